#pragma once

#include "harness/base/measure.h"
#include "harness/base/result.h"

#include <string>
#include <string_view>
#include <vector>

// What goes into and comes out of the measuring program: one JSON document per line. Times are whole microseconds,
// rates bits per second, sizes bytes, addresses and endpoints text; absent optional values are left out.
//
//   {"questions": [{"id": "q1", "deadline": 500000, "from": "10.0.0.2", "after": ["q0"],
//                   "reach": {"transport": "udp", "to": "198.51.100.90:3478", "token": "00112233445566778899aabb"}}]}
//   {"id": "q1", "elapsed": 843, "reached": {"outcome": "answered", "seen": "198.18.0.2:4711"}}
namespace crypelab::wire {

// What a job may hold: what is beyond is a complaint.
inline constexpr std::size_t max_job_size = 1 << 20;
inline constexpr std::size_t max_questions = 2048;

// Without a line feed.
std::string encode_job(const std::vector<measure::Question>& questions);
std::string encode_answer(const measure::Answer& answer);

// Complains about a wrong form, unknown keys, values out of range, ids that repeat, `after` that names no earlier
// question.
Result<std::vector<measure::Question>> decode_job(std::string_view line);
Result<measure::Answer> decode_answer(std::string_view line);

// {"conclude": ["q1"]}: tells a running job that these will not be answered any more; an empty list means all.
std::string encode_conclude(const std::vector<std::string>& ids);
Result<std::vector<std::string>> decode_conclude(std::string_view line);

}  // namespace crypelab::wire
