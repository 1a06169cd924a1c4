/// Stopping on request: long loops ask `throw_if_stopped()` between units of work and so end between two
/// results.
#pragma once

namespace mq {

/// Asks the whole process to stop at the next safe point. May be called from a signal handler and any thread.
void request_stop() noexcept;
bool stop_requested() noexcept;
/// Forgets a request, e.g. when Python has turned it into a KeyboardInterrupt.
void clear_stop_request() noexcept;

/// Throws Interrupted if a stop was requested. Not inside an OpenMP region: ask `stop_requested()` there.
void throw_if_stopped();

/// SIGINT and SIGTERM: the first requests a stop, the second ends the process at once with exit code 130.
/// Only the command line calls this; a library leaves signals alone.
void install_interrupt_handler();

}  // namespace mq
