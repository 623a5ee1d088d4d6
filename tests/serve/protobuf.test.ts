/** Bodies in protobuf become what their JSON would have been. */
import { expect, test } from "vitest";
import { decodeProtobuf } from "@/lib/headless/serve/protobuf";

// ---- a small encoder, for the tests alone ------------------------------------------------------------------------------------

const varint = (value: bigint): Buffer => {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Buffer.from(bytes);
};
const field = (number: number, value: string | bigint | Buffer): Buffer => {
  if (typeof value === "bigint") return Buffer.concat([varint(BigInt(number << 3)), varint(value)]);
  const bytes = Buffer.from(value as Buffer);
  return Buffer.concat([varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes]);
};
const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);
const unknown = (apiVersion: string, kind: string, raw: Buffer): Buffer =>
  message(Buffer.from("k8s\0"), field(1, message(field(1, apiVersion), field(2, kind))), field(2, raw));

test("names, maps, bytes and times", () => {
  const metadata = message(
    field(1, "keys"),
    field(3, ""),
    field(8, message(field(1, 1_772_438_400n))),
    field(11, message(field(1, "app"), field(2, "web"))),
    field(11, message(field(1, "none"), field(2, ""))),
  );
  const secret = message(
    field(1, metadata),
    field(2, message(field(1, "password"), field(2, "s3cret"))),
    field(3, "Opaque"),
  );
  expect(decodeProtobuf(unknown("v1", "Secret", secret))).toEqual({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "keys", labels: { app: "web", none: "" }, creationTimestamp: "2026-03-02T08:00:00Z" },
    data: { password: Buffer.from("s3cret").toString("base64") },
    type: "Opaque",
  });
});

test("a pointer to zero stays, a zero does not; negative numbers; structs that are parts of their parent", () => {
  expect(decodeProtobuf(unknown("policy/v1", "DeleteOptions", message(field(1, 0n), field(4, "Background"))))).toEqual({
    apiVersion: "policy/v1",
    kind: "DeleteOptions",
    gracePeriodSeconds: 0,
    propagationPolicy: "Background",
  });
  const volume = message(field(1, "tmp"), field(2, message(field(2, message(field(1, ""))))));
  const pod = message(field(1, field(1, "p")), field(2, message(field(1, volume), field(12, ""), field(25, -5n))));
  expect(decodeProtobuf(unknown("v1", "Pod", pod))).toEqual({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { volumes: [{ name: "tmp", emptyDir: {} }], priority: -5 },
  });
});

test("quantities and numbers that may be text", () => {
  const port = message(
    field(1, "http"),
    field(2, "TCP"),
    field(3, 80n),
    field(4, message(field(1, 1n), field(2, 0n), field(3, "web"))),
  );
  const service = message(field(1, field(1, "s")), field(2, message(field(1, port), field(4, ""))));
  expect(decodeProtobuf(unknown("v1", "Service", service))).toMatchObject({
    spec: { ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: "web" }] },
  });
  const quota = message(field(2, message(field(1, message(field(1, "cpu"), field(2, field(1, "500m")))))));
  expect(decodeProtobuf(unknown("v1", "ResourceQuota", quota))).toMatchObject({ spec: { hard: { cpu: "500m" } } });
});

test("what is no such message is refused with a sentence", () => {
  expect(() => decodeProtobuf(Buffer.from("{}"))).toThrow("expected prefix [107 56 115 0]");
  expect(() => decodeProtobuf(unknown("example.com/v1", "Thing", Buffer.alloc(0)))).toThrow('no kind "Thing"');
  expect(() => decodeProtobuf(unknown("v1", "Pod", Buffer.from([0x0a, 0x05, 0x01])))).toThrow("unexpected EOF");
});
