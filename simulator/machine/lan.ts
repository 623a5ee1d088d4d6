/** The network that the laptop and the cluster's hosts are on. */
export const LAN_GATEWAY = "10.89.0.1";
