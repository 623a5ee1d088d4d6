/** Provides the part "net-tools": curl, ip, iptables and the other network programs. */
import { moreNetPrograms } from "../net/programs/index";
import * as code from "../net/programs/more";

moreNetPrograms.provide(code);
