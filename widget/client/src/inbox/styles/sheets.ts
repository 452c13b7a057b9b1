/** The sheets of the inbox, in the order that lets the later ones change the earlier. */

import said from "../../ui/said.css";
import base from "./base.css";
import details from "./details.css";
import faces from "./faces.css";
import floats from "./floats.css";
import frame from "./frame.css";
import list from "./list.css";
import narrow from "./narrow.css";
import room from "./room.css";
import write from "./write.css";

export const sheets: readonly string[] = [base, frame, floats, faces, list, said, room, write, details, narrow];
