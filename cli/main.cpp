#include <iostream>

#include "meltquench/cli/program.h"

int main(int argc, char** argv) {
  mq::cli::Context context{std::cout, std::cerr, {argv, argv + argc}};
  return mq::cli::run_program(context);
}
