"use client";
/** In development: shows the page anew when a lesson's file is saved. A changed text keeps the world, changed data starts it again. */
import { useRouter } from "next/navigation";
import { useEffect } from "react";
import type { ContentStamp } from "@/lib/lessons/stamp";

const LOOK_EVERY_MS = 700;

/** `shown`: what the page was made from. */
export function FollowContent({ shown }: { readonly shown: ContentStamp }) {
  const router = useRouter();
  const { prose, data } = shown;
  useEffect(() => {
    let isOver = false;
    /** One refresh for each change: asking again would drop the one under way. */
    let asked = prose;
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      try {
        const stamp: ContentStamp = await (await fetch("/api/development/content", { cache: "no-store" })).json();
        if (isOver) return;
        if (stamp.data !== data) location.reload();
        else if (stamp.prose !== asked) {
          asked = stamp.prose;
          router.refresh();
        }
      } catch {
        // The server is starting again.
      }
      timer = setTimeout(() => void look(), LOOK_EVERY_MS);
    };
    void look();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [router, prose, data]);
  return null;
}
