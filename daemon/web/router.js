// Which page an address stands for. The page's state is behind the "#": any file server can serve it, and no proxy
// needs to know its paths.

/** "#/runs/12?site=A" -> { path: ["runs", "12"], query: URLSearchParams }. */
export function parse_address(hash) {
  const [path, query] = hash.replace(/^#\/?/, "").split("?", 2);
  return {
    path: path.split("/").filter(Boolean).map(decodeURIComponent),
    query: new URLSearchParams(query),
  };
}

/** address("runs", 12) -> "#/runs/12"; the query's empty values are left out. */
export function address(path, query = {}) {
  const words = [path].flat().map((part) => encodeURIComponent(part));
  const kept = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value != null));
  return `#/${words.join("/")}${kept.size > 0 ? `?${kept}` : ""}`;
}

/** Changes the query of the address that is open, without a new page. */
export function replace_query(query) {
  const { path } = parse_address(location.hash);
  history.replaceState(null, "", address(path, query));
}
