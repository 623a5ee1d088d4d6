import { proveLessons } from "./prove";

proveLessons(1, 2);
