/** The shelf of network programs, by the name an executable file carries. `busybox:NAME` is BusyBox's version of NAME. */
import type { Program } from "../../os/process";
import { curl } from "./curl";
import { busyboxNslookup, dig, getent, host, nslookup } from "./dns-tools";
import { arp, busyboxIp, ifconfig, ip, route } from "./ip";
import { conntrack, ipset, iptables, iptablesRestore, iptablesSave, ipvsadm, nft } from "./iptables";
import { ab, hey } from "./load";
import { busyboxNc, nc, telnet } from "./nc";
import { busyboxPing, ping, traceroute } from "./ping";
import { dockerProxy } from "./proxy";
import { netstat, ss } from "./sockets";
import { ssh, sshd } from "./ssh";
import { busyboxWget, wget } from "./wget";

export const netPrograms: ReadonlyMap<string, Program> = new Map<string, Program>([
  ["ab", ab],
  ["arp", arp],
  ["conntrack", conntrack],
  ["curl", curl],
  ["dig", dig],
  ["docker-proxy", dockerProxy],
  ["getent", getent],
  ["hey", hey],
  ["host", host],
  ["ifconfig", ifconfig],
  ["ip", ip],
  ["ipset", ipset],
  ["iptables", iptables],
  ["iptables-restore", iptablesRestore],
  ["iptables-save", iptablesSave],
  ["ipvsadm", ipvsadm],
  ["nc", nc],
  ["netstat", netstat],
  ["nft", nft],
  ["nslookup", nslookup],
  ["ping", ping],
  ["route", route],
  ["ss", ss],
  ["ssh", ssh],
  ["sshd", sshd],
  ["telnet", telnet],
  ["traceroute", traceroute],
  ["wget", wget],
  ["busybox:arp", arp],
  ["busybox:ifconfig", ifconfig],
  ["busybox:ip", busyboxIp],
  ["busybox:nc", busyboxNc],
  ["busybox:netstat", netstat],
  ["busybox:nslookup", busyboxNslookup],
  ["busybox:ping", busyboxPing],
  ["busybox:route", route],
  ["busybox:telnet", telnet],
  ["busybox:traceroute", traceroute],
  ["busybox:wget", busyboxWget],
]);
