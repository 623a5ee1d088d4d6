import { expect, test } from "vitest";
import { fold, search } from "@/lib/i18n/fold";

const items = [
  { name: "namespace", text: "Không gian tên: một phần của cluster. A part of a cluster with names of its own." },
  { name: "node", text: "Một máy của cluster. A machine of the cluster." },
  { name: "kernel namespace", text: "Thứ làm container tách biệt. What sets a container apart." },
  { name: "tent", text: "Cái lều, không có gian. Khong dau." },
  { name: "probe", text: "Phép thử mà kubelet làm đều đặn. Đo." },
];
const names = (query: string) => search(items, query).map((item) => item.name);

test.each([
  ["Đường đi", "duong di"],
  ["Ễ Ặ ữ ợ", "e a u o"],
  // Decomposed letters, as some keyboards send them.
  ["khởi động".normalize("NFD"), "khoi dong"],
  ["Pod", "pod"],
])("%s folds to %s", (text, folded) => expect(fold(text)).toBe(folded));

test.each([
  ["khong gian ten", ["namespace", "tent"]],
  ["không gian tên", ["namespace", "tent"]],
  ["KHÔNG GIAN TÊN", ["namespace", "tent"]],
  ["không gian tên".normalize("NFD"), ["namespace", "tent"]],
  ["namespace", ["namespace", "kernel namespace"]],
  ["names of its own", ["namespace"]],
  ["may cluster", ["node"]],
  ["không dau", ["tent"]],
  ["  ", items.map((item) => item.name)],
  ["xyz", []],
])("%s finds %j", (query, found) => {
  expect(names(query)).toEqual(found);
});

test("where the accents agree comes before where they do not", () => {
  const two = [
    { name: "a", text: "ban dau" },
    { name: "b", text: "bàn đầu" },
  ];
  expect(search(two, "bàn đầu").map((item) => item.name)).toEqual(["b", "a"]);
  expect(search(two, "ban dau").map((item) => item.name)).toEqual(["a", "b"]);
});
