package dev.outrigger.controlplane.chaos;

import dev.outrigger.controlplane.model.Probe;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** Keeps what is asked until the test answers. */
final class AskedProbes implements Prober {
  final List<Question> open = new ArrayList<>();
  boolean commands;

  record Question(Probe probe, Consumer<ProbeOutcome> done) {}

  @Override
  public boolean allowsCommands() {
    return commands;
  }

  @Override
  public void ask(Probe probe, Consumer<ProbeOutcome> done) {
    open.add(new Question(probe, done));
  }

  /** Answers all that is asked. */
  void answer(ProbeOutcome outcome) {
    List<Question> now = List.copyOf(open);
    open.clear();
    now.forEach(question -> question.done().accept(outcome));
  }
}
