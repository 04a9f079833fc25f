// All stories, in the order in which they are started.
import { adminStories } from "./admin-stories.ts";
import { appStories } from "./app-stories.ts";
import { streamStories } from "./stream-stories.ts";
import type { Story } from "./story.ts";

export const stories: readonly Story[] = [...appStories, ...adminStories, ...streamStories];
