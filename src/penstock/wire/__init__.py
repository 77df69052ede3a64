"""The data plane's shell: sockets, pools, timers and clocks."""
