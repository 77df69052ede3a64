// The npm package statuspage.io against another page: everything that it can ask, as one JSON.

import { Statuspage } from "statuspage.io";

const client = new Statuspage("page");
client.setApiUrl(process.argv[2]);
const { api } = client;
const told = {
  summary: await api.getSummary(),
  status: await api.getStatus(),
  components: await api.getComponents(),
  incidents: await api.incidents.getAll(),
  unresolved: await api.incidents.getUnresolved(),
  active: await api.scheduledMaintenances.getActive(),
  all: await api.scheduledMaintenances.getAll(),
  upcoming: await api.scheduledMaintenances.getUpcoming(),
};
process.stdout.write(JSON.stringify(told));
