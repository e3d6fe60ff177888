#pragma once

namespace crypelab::probe {

// Answers the job that comes as the first line on standard input (wire/measure_json.h): everything side by side, one
// line for each answer as soon as it is there, then the program ends. Each later line on standard input is
//   {"conclude": ["q1", ...]}    these will not be answered any more: say what is known now (an empty list: all)
// so that whoever sees silence elsewhere (a rule's counter that moved) need not wait for the deadline. Returns the exit
// status: 0 when every question got its answer, 65 for a malformed job.
int measure();

}  // namespace crypelab::probe
