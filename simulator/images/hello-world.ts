/** hello-world: the first image anybody runs. */
import type { Program } from "../os/process";
import { defineImage } from "./image";

const TEXT = `
Hello from Docker!
This message shows that your installation appears to be working correctly.

To generate this message, Docker took the following steps:
 1. The Docker client contacted the Docker daemon.
 2. The Docker daemon pulled the "hello-world" image from the Docker Hub.
    (amd64)
 3. The Docker daemon created a new container from that image which runs the
    executable that produces the output you are currently reading.
 4. The Docker daemon streamed that output to the Docker client, which sent it
    to your terminal.

To try something more ambitious, you can run an Ubuntu container with:
 $ docker run -it ubuntu bash

Share images, automate workflows, and more with a free Docker ID:
 https://hub.docker.com/

For more examples and ideas, visit:
 https://docs.docker.com/get-started/

`;

export const helloProgram: Program = function* (process) {
  yield* process.print(TEXT);
  return 0;
};

export const helloWorld = defineImage({
  repository: "hello-world",
  tags: ["latest", "linux"],
  description: "Hello World! (an example of minimal Dockerization)",
  stars: 2500,
  created: "2026-02-24T10:34:30.580932891Z",
  layers: [
    { createdBy: "COPY hello / # buildkit", files: { "/hello": { program: "hello" } }, size: 682_696 },
    { createdBy: 'CMD ["/hello"]' },
  ],
  config: {
    Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    Cmd: ["/hello"],
    WorkingDir: "/",
  },
});
