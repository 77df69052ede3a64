// Takes away what was written and not sent in this browser, when its person logs out or deletes all:
// who comes next is not shown it. Loaded by the account's page.

import { forgetDrafts } from "./drafts.js";

const LEAVING = /^\/(logout|account\/delete)$/;

document.addEventListener("submit", ({ target }) => {
  if (LEAVING.test(new URL(target.action).pathname)) forgetDrafts();
});
