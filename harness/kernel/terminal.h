#pragma once

#include "harness/base/descriptor.h"
#include "harness/kernel/pollable.h"
#include "harness/kernel/signal_queue.h"

#include <optional>
#include <string>

#include <termios.h>

namespace crypelab::kernel {

// A person's terminal, handed through: while this lives it passes every key to `master`, the other side of a terminal
// inside the lab, and shows what comes from there; window size included. Ctrl-C and Ctrl-Z are then a matter of the
// terminal inside. The program never gets the person's own terminal, into which it could type (TIOCSTI). As it was
// before when destroyed.
class Terminal : public Pollable {
 public:
  // Both are borrowed. Throws Failure when they are not terminals.
  Terminal(int input, int output);
  ~Terminal() override;

  struct Size {
    unsigned short rows = 24;
    unsigned short columns = 80;
  };
  Size size() const;

  // From now on.
  void connect(Descriptor master);
  // Gives the terminal back, stops this process, and takes the terminal again once continued: what Ctrl-Z does to a
  // program.
  void suspend();
  // True when the person's side is gone.
  bool hung_up() const { return hung_up_; }
  // Shows what the program wrote before it ended; without waiting.
  void drain();

  void want(std::vector<pollfd>& into) override;
  void ready() override;

 private:
  struct Flow {
    int from;
    int to;
    std::string pending;
  };
  void raw() const;
  // False at the end of `from`.
  static bool read_into(Flow& flow);
  static void write_from(Flow& flow);
  void resize() const;

  int terminal_;
  termios before_{};
  Descriptor input_;
  Descriptor output_;
  Descriptor master_;
  SignalQueue resized_;
  Flow keys_{};
  Flow screen_{};
  bool hung_up_ = false;
  bool over_ = false;
};

}  // namespace crypelab::kernel
