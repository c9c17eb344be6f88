// By Node's ssh2: node with_ssh2.js HOST PORT USER PASSWORD UNIT SERVICE SECONDS
// Exit status 1: the service has not come up.
const { Client } = require("ssh2");

const [host, port, username, password, unit, service, seconds] = process.argv.slice(2);
const node = new Client();

function run(line) {
  return new Promise((resolve, reject) => {
    node.exec(line, (error, stream) => {
      if (error) return reject(error);
      let said = "";
      stream.on("data", (data) => (said += data));
      stream.on("close", (status) => resolve({ said, status }));
    });
  });
}

function failed(why) {
  console.error(why);
  process.exit(1);
}

node.on("error", failed);
node.on("ready", async () => {
  const regenerated = await run(`--yes set cert regen ${unit}`);
  if (regenerated.status) failed(regenerated.said);
  setTimeout(() => failed(`${service} has not come up`), 1000 * seconds);
  const restarted = await run(`utils service restart ${service}`);
  if (!restarted.said.includes(`${service}[STARTED]`)) failed(restarted.said);
  process.exit(0);
});
node.connect({ host, port, username, password });
