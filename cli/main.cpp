#include <csignal>
#include <iostream>

#include "meltquench/cli/program.h"

int main(int argc, char** argv) {
  std::signal(SIGXFSZ,
              SIG_IGN);  // beyond a limit of file sizes a write fails, with a sentence, and ends nothing
  mq::cli::Context context{std::cout, std::cerr, {argv, argv + argc}};
  return mq::cli::run_program(context);
}
