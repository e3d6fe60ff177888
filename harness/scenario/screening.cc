#include "harness/scenario/screening.h"

#include "harness/scenario/tree.h"

#include <cstdint>

namespace crypelab::scenario {
namespace {

// Brackets in prose need not match, so this is far above what nests; yaml-cpp 0.7 would queue a token for each.
constexpr std::size_t kMostOpenBrackets = 500;
constexpr std::size_t kMostFlaws = 5;  // more of them, and it is no text

std::uint32_t code_point(std::string_view character) {
  const auto at = [&](std::size_t i) { return std::uint32_t{static_cast<std::uint8_t>(character[i])}; };
  switch (character.size()) {
    case 1:
      return at(0);
    case 2:
      return (at(0) & 0x1F) << 6 | (at(1) & 0x3F);
    case 3:
      return (at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F);
    default:
      return (at(0) & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F);
  }
}

bool reorders_text(std::uint32_t code) {
  return (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) || code == 0x200E || code == 0x200F;
}

struct Flaw {
  std::string message;
  std::string hint;
};

std::optional<Flaw> flaw_of(std::string_view character) {
  if (character.empty()) return Flaw{"this byte is not UTF-8 text", "save the file as UTF-8"};
  const auto code = code_point(character);
  if (code == '\t') return Flaw{"a tab", "YAML is indented with spaces; use spaces everywhere"};
  if (code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029) {
    return Flaw{"a control character", "is this a text file?"};
  }
  if (reorders_text(code) || code == 0xFEFF || code == 0x200B) {
    return Flaw{"an invisible character that changes how the text reads", "remove it"};
  }
  return std::nullopt;
}

}  // namespace

bool screen(const Source& source, Problems& problems) {
  const Position whole{&source, 0, 0};
  if (source.text().size() > kMostBytes) {
    problems.add(whole, "the file is larger than 1 MiB", "a scenario is a page of text");
    return false;
  }
  if (source.lines() > kMostLines) {
    problems.add(whole, "the file has more than " + std::to_string(kMostLines) + " lines");
    return false;
  }
  std::size_t flaws = 0;
  std::size_t open = 0;
  for (std::size_t number = 1; number <= source.lines(); ++number) {
    const auto line = source.line(number);
    if (line.size() > kLongestLine) {
      problems.add({&source, static_cast<unsigned>(number), 1},
                   "a line of more than " + std::to_string(kLongestLine) + " bytes");
      return false;
    }
    for (std::size_t i = 0; i < line.size();) {
      const std::size_t length = utf8_length(line.substr(i));
      if (const auto flaw = flaw_of(line.substr(i, length))) {
        problems.add(position_of(source, number - 1, i), flaw->message, flaw->hint);
        if (++flaws == kMostFlaws) return false;
        break;  // one a line: a binary file has thousands
      }
      if (line[i] == '[' || line[i] == '{') ++open;
      if ((line[i] == ']' || line[i] == '}') && open > 0) --open;
      if (open > kMostOpenBrackets) {
        problems.add(position_of(source, number - 1, i), "brackets nested too deeply");
        return false;
      }
      i += length;
    }
  }
  return flaws == 0;
}

}  // namespace crypelab::scenario
