/** Everything no other page answers. */
import { notFound } from "next/navigation";

export default function Rest(): never {
  notFound();
}
