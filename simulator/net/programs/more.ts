/** Network programs that are fetched when first used. Their part is called "net-tools". */
export { curl } from "./curl";
export { busyboxNslookup, dig, getent, host, nslookup } from "./dns-tools";
export { arp, busyboxIp, ifconfig, ip, route } from "./ip";
export { conntrack, ipset, iptables, iptablesRestore, iptablesSave, ipvsadm, nft } from "./iptables";
export { ab, hey } from "./load";
export { busyboxNc, nc, telnet } from "./nc";
export { busyboxPing, ping, traceroute } from "./ping";
export { netstat, ss } from "./sockets";
export { busyboxWget, wget } from "./wget";
