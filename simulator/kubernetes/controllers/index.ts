/** The controllers' door: the ordered list, and the program that runs them. */
export { ControllerManager, type ControllerManagerOptions } from "./controller-manager";
export { controllers } from "./shelf";
