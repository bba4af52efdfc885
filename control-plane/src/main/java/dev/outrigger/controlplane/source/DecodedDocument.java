package dev.outrigger.controlplane.source;

import dev.outrigger.controlplane.model.MeshObject;
import dev.outrigger.controlplane.model.ObjectKey;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What came of a document.
 *
 * @param key what it is about; null where even that cannot be told
 * @param object null where the document is refused
 * @param problems why it is refused
 * @param warnings what of it counts otherwise than its author may think
 * @param file where it stands
 * @param place of its name
 * @param sourceLine of that place
 */
record DecodedDocument(
    @Nullable ObjectKey key,
    @Nullable MeshObject object,
    List<Reference> references,
    List<Problem> problems,
    List<Problem> warnings,
    String file,
    Place place,
    @Nullable String sourceLine) {
  DecodedDocument {
    references = List.copyOf(references);
    problems = List.copyOf(problems);
    warnings = List.copyOf(warnings);
  }

  /** Where it stands, for hints. */
  String whereabouts() {
    return place.line() > 0 ? file + ":" + place.line() : file;
  }
}
