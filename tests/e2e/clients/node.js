// SPDX-License-Identifier: Apache-2.0
// Log in with Node.js's ssh2 and a private key in a file, and print what a command prints.
// Usage: node.js KEY USER HOST KNOWN_HOSTS COMMAND
"use strict";
const fs = require("fs");
const { Client } = require("ssh2");

const [file, username, host, knownHosts, command] = process.argv.slice(2);
const known = Buffer.from(fs.readFileSync(knownHosts, "utf8").split(/\s+/)[2], "base64");
const client = new Client();
const fail = (error) => {
	console.error(String(error));
	process.exit(1);
};

client.on("error", fail);
client.on("ready", () => {
	client.exec(command, (error, stream) => {
		if (error) fail(error);
		stream.on("close", () => client.end());
		stream.pipe(process.stdout);
	});
});
client.connect({ host, username, privateKey: fs.readFileSync(file), hostVerifier: (key) => key.equals(known) });
