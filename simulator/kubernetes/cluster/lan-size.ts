/** How wide the LAN of a world is: apart from the rest, because a world lays its LAN before it has a cluster. */

/** Up to so many workers stand on a LAN of 256 addresses: those above belong to load balancers. */
export const NODES_ON_SMALL_LAN = 180;

/** The prefix of the LAN's addresses for a cluster of so many workers. */
export const lanPrefixFor = (workers = 0): number => (workers > NODES_ON_SMALL_LAN ? 16 : 24);
