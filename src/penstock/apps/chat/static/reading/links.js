/* Where a link may lead, and what its words may claim.

   address  an absolute address of http, https or mailto, as the browser's own parser writes it
            out (what is checked is what is used), or null: then there is no link. Relative
            addresses are none: an answer knows no place of ours.
   plain    words of a link without the characters that turn or hide others (bidi, zero width)
   behind   the true host, where the words look like a host and name another one; else "" */

export const ADDRESS_MAX = 2048; // longer ones are no address that anybody means
const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const HIDING = /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const FORMAT = /\p{Cf}/gu;
const HOST = /^\s*(?:https?:\/\/|www\.)?(?:[^\s/@]{1,64}@)?((?:[\p{L}\p{N}-]{1,63}\.){1,8}[\p{L}\p{N}-]{2,63})(?=$|[\s/:?#.,)])/iu;
const FILES = new Set(["js", "mjs", "ts", "tsx", "jsx", "json", "css", "html", "txt", "yml", "yaml",
  "toml", "xml", "csv", "pdf", "png", "jpg", "svg", "cpp", "java", "ini", "lock"]);

/** @param {string} raw @returns {string | null} */
export function address(raw) {
  if (raw.length > ADDRESS_MAX) return null;
  let url;
  try {
    url = new URL(raw);
  } catch {
    return null;
  }
  if (!SCHEMES.has(url.protocol) || url.href.length > 3 * ADDRESS_MAX) return null;
  return url.protocol === "mailto:" || url.hostname ? url.href : null;
}

/** @param {string} words */
export const plain = (words) => words.replace(HIDING, "");

/** @param {string} words @param {string} href */
export function behind(words, href) {
  const url = new URL(href);
  if (url.protocol === "mailto:") return "";
  const found = HOST.exec(words.slice(0, 300).replace(FORMAT, ""));
  if (!found || FILES.has(found[1].split(".").at(-1).toLowerCase())) return "";
  const bare = (host) => host.replace(/^www\./, "").replace(/\.$/, "");
  let claimed = found[1].toLowerCase();
  try {
    claimed = new URL(`http://${claimed}`).hostname;
  } catch {
    return url.hostname;
  }
  return bare(claimed) === bare(url.hostname) ? "" : url.hostname;
}
