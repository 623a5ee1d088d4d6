import { proveLessons } from "./prove";

proveLessons(0, 2);
