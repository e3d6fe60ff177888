#pragma once

#include "harness/gate/first_bytes.h"
#include "harness/wire/packet.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

// One TCP connection whose first bytes are being judged.
namespace crypelab::gate {

using Time = std::chrono::nanoseconds;  // of whatever steady clock the caller has

// Of the site's border: who opened the connection sits inside.
enum class Way { out, in };

// What becomes of a packet. `pass` and `refuse` decide its flow for good: the rules then know it by its mark.
enum class Fate { forward, pass, refuse, discard };

struct Ruling {
  std::uint32_t id = 0;  // of the packet
  Fate fate = Fate::forward;
  bool operator==(const Ruling&) const = default;
};

class Flow {
 public:
  // `isn`: of the client's SYN; the first byte has the number after it.
  Flow(const Policy& policy, std::uint32_t isn, Time now)
      : first_(policy), isn_(isn), next_(isn + 1), begun_(now), seen_(now) {}

  // The client's segment `id`: rulings for it, and for segments that had waited for it. Segments are judged in the
  // order of the stream; those before a hole wait for it. `may_wait`: otherwise such a segment is discarded, and the
  // sender will send it again.
  void take(std::uint32_t id, std::uint32_t sequence, wire::Bytes data, bool may_wait, std::vector<Ruling>& rulings);
  // Refuses for a reason that is not in the client's bytes.
  void refuse(std::string reason);
  // The segments that still wait are discarded.
  void abandon(std::vector<Ruling>& rulings);

  FirstBytes::State state() const { return refused_ ? FirstBytes::State::refuse : first_.state(); }
  const std::string& reason() const { return refused_ ? *refused_ : first_.reason(); }
  const FirstBytes& first() const { return first_; }
  std::uint32_t isn() const { return isn_; }
  std::uint32_t next() const { return next_; }  // number of the first byte that has not been judged
  std::size_t waiting() const { return waiting_.size(); }
  unsigned segments() const { return segments_; }
  Time begun() const { return begun_; }
  Time seen() const { return seen_; }
  void touch(Time now) { seen_ = now; }

 private:
  struct Waiting {
    std::uint32_t id;
    std::uint32_t sequence;
    std::vector<std::uint8_t> data;
  };
  // False when it must wait.
  bool judge(std::uint32_t id, std::uint32_t sequence, wire::Bytes data, std::vector<Ruling>& rulings);

  FirstBytes first_;
  std::optional<std::string> refused_;
  std::uint32_t isn_;
  std::uint32_t next_;
  unsigned segments_ = 0;
  std::vector<Waiting> waiting_;
  Time begun_;
  Time seen_;
};

}  // namespace crypelab::gate
