import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { apiTextsJson } from "@/simulator/parts/api-texts.generated";

const texts: Record<string, Record<string, string>> = JSON.parse(apiTextsJson);

test("kinds and fields are described in the words of the installed package", () => {
  expect(texts["core.v1.Pod"]?.[""]).toMatch(/^Pod is a collection of containers/);
  expect(texts["core.v1.Pod"]?.["apiVersion"]).toMatch(/^APIVersion defines the versioned schema/);
  expect(texts["meta.v1.ObjectMeta"]?.["creationTimestamp"]).toMatch(/^CreationTimestamp is a timestamp/);
  expect(texts["core.v1.Probe"]?.["httpGet"]).toBeDefined();
});

test("only types of the schema are described", () => {
  const { types } = JSON.parse(readFileSync("simulator/kubernetes/api/schema.generated.json", "utf8"));
  expect(Object.keys(texts).filter((id) => !types[id])).toEqual([]);
  expect(Object.keys(texts).length).toBeGreaterThan(400);
});
