/** What goes on, with the real kubectl: watches, followed logs, standard input, forwarded ports, copies. */
import { createConnection, createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ServedWorld } from "./world";

const manifest = `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
  - name: main
    image: nginx
---
apiVersion: v1
kind: Pod
metadata: {name: ticker}
spec:
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "for i in 1 2 3 4 5; do echo tick $i; sleep 1; done; sleep 3600"]
---
apiVersion: v1
kind: Pod
metadata: {name: reader}
spec:
  containers:
  - name: main
    image: busybox
    stdin: true
    stdinOnce: true
    command: [sh, -c, "while read line; do echo got $line; done"]
`;

let world: ServedWorld;

beforeAll(async () => {
  world = await ServedWorld.start("kubernetes", "kubectl");
  world.write("pods.yaml", manifest);
  await world.run("kubectl apply -f pods.yaml; kubectl wait --for=condition=Ready pod --all --timeout=120s");
}, 60_000);

afterAll(() => world?.close());

test("a watch prints each change as a row of the table", async () => {
  const watching = world.run("timeout 3 kubectl get pod web -w --show-labels --no-headers");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await world.run("kubectl label pod web seen=yes");
  const lines = (await watching).stdout.trim().split("\n");
  expect(lines[0]).toMatch(/^web +1\/1 +Running +0 +\S+ +app=web$/);
  expect(lines.at(-1)).toMatch(/^web +1\/1 +Running +0 +\S+ +app=web,seen=yes$/);
});

test("a followed log goes on as lines are written", async () => {
  const { stdout } = await world.run("timeout 3 kubectl logs -f ticker");
  expect(stdout).toBe("tick 1\ntick 2\ntick 3\ntick 4\ntick 5\n");
});

test("exec carries both outputs, the exit code and the end of its input", async () => {
  expect(await world.run("kubectl exec -i ticker -- sh -c 'wc -c; echo err >&2; exit 9'", "12345")).toEqual({
    stdout: "5\n",
    stderr: "err\ncommand terminated with exit code 9\n",
    exit: 9,
  });
});

test("exec works over SPDY too", async () => {
  const outcome = await world.run(
    "KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false kubectl exec -i ticker -- cat",
    "over spdy\n",
  );
  expect(outcome).toEqual({ stdout: "over spdy\n", stderr: "", exit: 0 });
});

test("attach gives a container its input", async () => {
  const { stdout } = await world.run("kubectl attach -i reader -q", "a\nb\n");
  expect(stdout).toContain("got a\ngot b\n");
});

test("cp brings bytes in and out unchanged", async () => {
  await world.run(
    "head -c 3000 /dev/urandom > here && kubectl cp here ticker:/tmp/there && kubectl cp ticker:/tmp/there back",
  );
  expect((await world.run("cmp here back && echo same")).stdout).toBe("same\n");
});

/** A port that nobody has at this moment. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ port, host: "127.0.0.1" })
      .on("connect", () => {
        socket.destroy();
        resolve(true);
      })
      .on("error", () => resolve(false));
  });

test.for(["true", "false"])(
  "port-forward carries connections (inside WebSockets: %s)",
  { timeout: 15_000 },
  async (inWebSockets) => {
    const port = await freePort();
    const forwarding = world.run(
      `KUBECTL_PORT_FORWARD_WEBSOCKETS=${inWebSockets} timeout 2 kubectl port-forward pod/web ${port}:80`,
    );
    for (let i = 0; i < 40 && !(await isOpen(port)); i++) await new Promise((resolve) => setTimeout(resolve, 50));
    const pages = await Promise.all(
      [1, 2, 3].map(() => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.text())),
    );
    for (const page of pages) expect(page).toContain("Welcome to nginx!");
    const { stdout } = await forwarding;
    expect(stdout).toContain(`Forwarding from 127.0.0.1:${port} -> 80`);
  },
);

test("a token of a service account is let in as that account", async () => {
  const { stdout } = await world.run(
    "kubectl create serviceaccount robot >/dev/null; T=$(kubectl create token robot); " +
      "kubectl config set-credentials robot --token=$T >/dev/null; kubectl config set-context robot --cluster=kubernetes --user=robot >/dev/null; " +
      "kubectl --context=robot auth whoami -o jsonpath='{.status.userInfo.username}'; echo; kubectl --context=robot get pods 2>&1",
  );
  expect(stdout).toBe(
    'system:serviceaccount:default:robot\nError from server (Forbidden): pods is forbidden: User "system:serviceaccount:default:robot" cannot list resource "pods" in API group "" in the namespace "default"\n',
  );
});

test("a wrong token is not let in", async () => {
  const { stderr, exit } = await world.run(
    "kubectl config set-credentials liar --token=lie >/dev/null; kubectl config set-context liar --cluster=kubernetes --user=liar >/dev/null; kubectl --context=liar get --raw /api",
  );
  expect(stderr).toBe("error: You must be logged in to the server (Unauthorized)\n");
  expect(exit).toBe(1);
});

test("somebody else may be spoken for, with groups and extras", async () => {
  const { stdout } = await world.run(
    "kubectl auth whoami --as=a --as-group=b --as-group=c --as-uid=7 --as-user-extra=scopes=x -o jsonpath='{.status.userInfo}'",
  );
  expect(JSON.parse(stdout)).toEqual({
    username: "a",
    uid: "7",
    groups: ["b", "c", "system:authenticated"],
    extra: { scopes: ["x"] },
  });
});

test("a body that is no JSON is refused in Go's words", async () => {
  const { stderr, exit } = await world.run("kubectl create --raw /api/v1/namespaces -f pods.yaml");
  expect(stderr).toBe(
    "Error from server (BadRequest): couldn't get version/kind; json parse error: invalid character 'a' looking for beginning of value\n",
  );
  expect(exit).toBe(1);
});

test("a List is applied, and its objects are validated by the server", async () => {
  const list = (data: string) =>
    `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"listed"},"${data}":{"a":"b"}}]}`;
  expect(await world.run("kubectl apply -f -", list("data"))).toEqual({
    stdout: "configmap/listed created\n",
    stderr: "",
    exit: 0,
  });
  expect((await world.run("kubectl apply -f -", list("date"))).stderr).toContain('unknown field "date"');
});
