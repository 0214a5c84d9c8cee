// An HTTP/2 server in front of a plain one on loopback, as most shops are served: node http2_front.cjs PEM PORT FAULTS.
// PEM holds key and certificate; FAULTS is JSON: {goaway: N} ends a connection in order after N requests, {refuse: N}
// resets every Nth request before it is looked at, {cut: N} every Nth answer in its middle. Prints its port; a line on
// stdin is answered by the counts.
const fs = require("fs");
const http = require("http");
const http2 = require("http2");
const readline = require("readline");

const [pem, port, faultText] = process.argv.slice(2);
const faults = JSON.parse(faultText);
const counts = { connections: 0, requests: 0, other_versions: 0, goaway: 0, refused: 0, cut: 0 };
const { NGHTTP2_REFUSED_STREAM, NGHTTP2_INTERNAL_ERROR } = http2.constants;
const spoiled = new Set();
// Each address is spoiled once at most: what is tried again arrives.
function due(every, request) {
  if (!every || counts.requests % every !== 0 || request.httpVersion !== "2.0" || spoiled.has(request.url)) return false;
  spoiled.add(request.url);
  return true;
}

const identity = fs.readFileSync(pem);
const server = http2.createSecureServer({ key: identity, cert: identity, allowHTTP1: true });

server.on("session", (session) => {
  counts.connections++;
  let requests = 0;
  session.on("error", () => {});
  session.on("stream", () => {
    if (faults.goaway && ++requests === faults.goaway) {
      counts.goaway++;
      session.close();
    }
  });
});

server.on("request", (request, response) => {
  counts.requests++;
  if (request.httpVersion !== "2.0") counts.other_versions++;
  if (due(faults.refuse, request)) {
    counts.refused++;
    request.stream.close(NGHTTP2_REFUSED_STREAM);
    return;
  }
  const cut = due(faults.cut, request);
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => !name.startsWith(":")));
  const to = { host: "127.0.0.1", port, method: request.method, path: request.url,
               headers: { ...headers, host: request.headers[":authority"] ?? request.headers.host } };
  const asked = http.request(to, (answer) => {
    const kept = Object.fromEntries(
      Object.entries(answer.headers).filter(([name]) => !["connection", "keep-alive", "transfer-encoding"].includes(name)));
    response.writeHead(answer.statusCode, kept);
    if (!cut) {
      answer.pipe(response);
      return;
    }
    counts.cut++;
    const cutOff = () => setTimeout(() => request.stream.close(NGHTTP2_INTERNAL_ERROR), 20);
    answer.once("data", (piece) => response.write(piece.subarray(0, piece.length / 2)));
    answer.once("data", cutOff).once("end", cutOff);
  });
  asked.on("error", () => request.stream.close(NGHTTP2_INTERNAL_ERROR));
  request.pipe(asked);
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
readline.createInterface({ input: process.stdin })
  .on("line", () => console.log(JSON.stringify(counts)))
  .on("close", () => process.exit());
