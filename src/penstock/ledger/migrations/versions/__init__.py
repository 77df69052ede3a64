"""One file a step; each says which it follows. What has been released is never changed."""
