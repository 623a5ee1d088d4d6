/** The shelf of network programs, by the name an executable file carries. `busybox:NAME` is BusyBox's version of NAME. */
import { Part } from "../../base/part";
import { laterProgram } from "../../os/later";
import type { Program } from "../../os/process";
import type * as more from "./more";
import { dockerProxy } from "./proxy";
import { ssh, sshd } from "./ssh";

/** The code of the programs that a page may load later; parts/net-tools.ts provides it. */
export const moreNetPrograms = new Part<typeof more>("net-tools");

const later = (name: keyof typeof more): Program => laterProgram(moreNetPrograms, (code) => code[name]);

export const netPrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["ab", later("ab")],
  ["arp", later("arp")],
  ["conntrack", later("conntrack")],
  ["curl", later("curl")],
  ["dig", later("dig")],
  ["docker-proxy", dockerProxy],
  ["getent", later("getent")],
  ["hey", later("hey")],
  ["host", later("host")],
  ["ifconfig", later("ifconfig")],
  ["ip", later("ip")],
  ["ipset", later("ipset")],
  ["iptables", later("iptables")],
  ["iptables-restore", later("iptablesRestore")],
  ["iptables-save", later("iptablesSave")],
  ["ipvsadm", later("ipvsadm")],
  ["nc", later("nc")],
  ["netstat", later("netstat")],
  ["nft", later("nft")],
  ["nslookup", later("nslookup")],
  ["ping", later("ping")],
  ["route", later("route")],
  ["ss", later("ss")],
  ["ssh", ssh],
  ["sshd", sshd],
  ["telnet", later("telnet")],
  ["traceroute", later("traceroute")],
  ["wget", later("wget")],
  ["busybox:arp", later("arp")],
  ["busybox:ifconfig", later("ifconfig")],
  ["busybox:ip", later("busyboxIp")],
  ["busybox:nc", later("busyboxNc")],
  ["busybox:netstat", later("netstat")],
  ["busybox:nslookup", later("busyboxNslookup")],
  ["busybox:ping", later("busyboxPing")],
  ["busybox:route", later("route")],
  ["busybox:telnet", later("telnet")],
  ["busybox:traceroute", later("traceroute")],
  ["busybox:wget", later("busyboxWget")],
]);
