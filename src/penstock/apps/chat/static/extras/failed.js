// Which component of the status page is most likely to have failed: what a notice names, the log-in,
// the model that was asked, or the page itself.

/** What is most likely to have failed. */
export function failedComponent({ message, notice, isLogin = false } = {}) {
  if (notice?.component) return notice.component;
  if (isLogin) return "login";
  const model = message?.answered_model || message?.model;
  return message?.role === "assistant" && model && model !== "auto" ? model : "web";
}
