// Asks for one small thing again and again, a process of its own: how long answers take beside other work. It asks at an
// even rate, whether the answers before have come or not, so that one long pause counts for all that fell into it.
import http from "node:http";

export interface Probe {
  readonly url: string;
  readonly token: string;
  readonly path: string;
  readonly everyMs: number;
}

const agent = new http.Agent({ keepAlive: true });
let timesMs: number[] = [];

process.on("message", (message) => {
  if (message !== "report") return begin(message as Probe);
  process.send?.(timesMs);
  timesMs = [];
});

function begin({ url, token, path, everyMs }: Probe): void {
  const target = `${url.replace("localhost", "127.0.0.1")}${path}`;
  const headers = { authorization: `Bearer ${token}` };
  setInterval(() => {
    const started = performance.now();
    http
      .get(target, { headers, agent }, (response) => {
        response.resume().on("end", () => timesMs.push(performance.now() - started));
      })
      .on("error", (error) => {
        console.error(error.message);
        process.exit(1);
      });
  }, everyMs);
}
