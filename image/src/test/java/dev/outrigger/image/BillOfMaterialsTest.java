package dev.outrigger.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class BillOfMaterialsTest {
  @TempDir private Path folder;

  private BillOfMaterials bill() throws IOException {
    Path list =
        Files.writeString(
            folder.resolve("list"),
            """

            The following files have been resolved:
               io.netty:netty-buffer:jar:4.2.18.Final:compile -- module io.netty.buffer
               io.netty:netty-tcnative:jar:linux-x86_64:2.0.84.Final:runtime
            """);
    Files.writeString(folder.resolve("netty-buffer-4.2.18.Final.jar"), "abc");
    Files.writeString(folder.resolve("netty-tcnative-2.0.84.Final-linux-x86_64.jar"), "def");
    Path release =
        Files.writeString(
            folder.resolve("release"),
            "IMPLEMENTOR=\"Eclipse Adoptium\"\nJAVA_RUNTIME_VERSION=\"25.0.3+9-LTS\"\n");
    BillOfMaterials bill = new BillOfMaterials();
    bill.addLibraries(list, folder);
    bill.addPackages(List.of("libc6 2.36-9+deb12u13 amd64"), "bookworm");
    bill.addRuntime(release);
    return bill;
  }

  @Test
  void everyPartHasItsPurlVersionAndHash() throws IOException {
    JsonObject json = JsonParser.parseString(bill().json("e/o:1", "1", 0)).getAsJsonObject();

    assertThat(json.get("bomFormat").getAsString()).isEqualTo("CycloneDX");
    assertThat(json.getAsJsonArray("components").asList())
        .extracting(component -> component.getAsJsonObject().get("purl").getAsString())
        .containsExactly(
            "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64&distro=bookworm",
            "pkg:generic/openjdk@25.0.3%2B9-LTS",
            "pkg:maven/io.netty/netty-buffer@4.2.18.Final",
            "pkg:maven/io.netty/netty-tcnative@2.0.84.Final?classifier=linux-x86_64&type=jar");
    JsonElement buffer = json.getAsJsonArray("components").get(2);
    assertThat(buffer.getAsJsonObject().getAsJsonArray("hashes").get(0).toString())
        .contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }

  @Test
  void theSamePartsGiveTheSameBill() throws IOException {
    assertThat(bill().json("e/o:1", "1", 0)).isEqualTo(bill().json("e/o:1", "1", 0));
    assertThat(bill().json("e/o:1", "1", 0)).isNotEqualTo(bill().json("e/o:2", "2", 0));
  }

  @Test
  void aListThatIsNoneIsAnError() throws IOException {
    Path none = Files.writeString(folder.resolve("none"), "nothing\n");
    BillOfMaterials bill = new BillOfMaterials();
    assertThatThrownBy(() -> bill.addLibraries(none, folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("lists no libraries");
  }
}
