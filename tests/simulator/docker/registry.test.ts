/** A registry of one's own: found by asking the port, filled by pushes, gone with its volume. */
import { expect, test } from "vitest";
import { dockerLab } from "./cli/lab";

const IMAGE = "localhost:5000/me/bb:1";

function withRegistry() {
  const lab = dockerLab("docker");
  lab.out(`docker pull -q busybox && docker tag busybox ${IMAGE}`);
  return {
    lab,
    start: () => lab.out("docker run -d -p 5000:5000 -v store:/var/lib/registry --name reg registry:2; sleep 1"),
  };
}

test("nobody answers before the registry runs", () => {
  const { lab } = withRegistry();
  expect(lab.run(`docker push ${IMAGE}`).stderr).toBe(
    'Get "http://localhost:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused\n',
  );
});

test("what is pushed can be listed and pulled, and lives as long as the volume", () => {
  const { lab, start } = withRegistry();
  start();
  expect(lab.out(`docker push ${IMAGE}`)).toMatch(/: Pushed\n1: digest: sha256:[0-9a-f]{64} size: \d+\n$/);
  expect(lab.out("curl -s localhost:5000/v2/_catalog")).toBe('{"repositories":["me/bb"]}\n');
  expect(lab.out("curl -s localhost:5000/v2/me/bb/tags/list")).toBe('{"name":"me/bb","tags":["1"]}\n');
  lab.out("docker rm -f reg");
  start();
  lab.out(`docker rmi ${IMAGE}`);
  expect(lab.out(`docker pull ${IMAGE}`)).toContain(`Status: Downloaded newer image for ${IMAGE}`);
  lab.out("docker rm -f reg && docker volume rm store");
  start();
  expect(lab.run(`docker pull ${IMAGE}`).stderr).toContain("manifest unknown");
});

test("another server on the port is no registry", () => {
  const { lab } = withRegistry();
  lab.out("docker run -d -p 5000:80 nginx; sleep 1");
  expect(lab.run(`docker pull ${IMAGE}`).stderr).toMatch(
    /^Error response from daemon: error parsing HTTP 404 response body: invalid character '<'/,
  );
});

test("a layer is mounted from the most alike repository that the engine knows to have it", () => {
  const { lab, start } = withRegistry();
  start();
  lab.out(
    `docker push -q ${IMAGE}; docker tag busybox localhost:5000/you/bb:1; docker push -q localhost:5000/you/bb:1`,
  );
  lab.out("docker tag busybox localhost:5000/me/other:1");
  expect(lab.out("docker push localhost:5000/me/other:1")).toContain(": Mounted from me/bb\n");
  expect(lab.out("docker push localhost:5000/me/other:1")).toContain(": Layer already exists\n");
});
