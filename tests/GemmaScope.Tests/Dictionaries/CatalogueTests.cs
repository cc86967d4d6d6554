using GemmaScope.Dictionaries;
using GemmaScope.Files;
using GemmaScope.Models;
using GemmaScope.Tests.Files;
using Xunit;

namespace GemmaScope.Tests.Dictionaries;

public sealed class CatalogueTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static DictionaryCatalogue Catalogue => DictionaryCatalogue.BuiltIn;

    public void Dispose() => _folder.Dispose();

    [Theory]
    // The tutorial's dictionary under all its names.
    [InlineData("gemma-scope-2b-pt-res-canonical/layer_20/width_16k", "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71")]
    [InlineData(
        "gemma-scope-2b-pt-res-canonical/layer_20/width_16k/canonical",
        "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71"
    )]
    [InlineData("gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71/", "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71")]
    [InlineData("gemma-2-2b/20-gemmascope-res-16k", "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71")]
    [InlineData("gemma-scope-9b-it-res-canonical/layer_9/width_16k", "google/gemma-scope-9b-it-res/layer_9/width_16k/average_l0_88")]
    // The list of releases, not the nearest to 100, says which is canonical.
    [InlineData("gemma-scope-9b-pt-att-canonical/layer_27/width_16k", "google/gemma-scope-9b-pt-att/layer_27/width_16k/average_l0_136")]
    // Two that the list leaves out: the L0 nearest 100.
    [InlineData("gemma-scope-2b-pt-res-canonical/layer_12/width_131k", "google/gemma-scope-2b-pt-res/layer_12/width_131k/average_l0_129")]
    [InlineData("gemma-scope-9b-pt-res-canonical/layer_20/width_262k", "google/gemma-scope-9b-pt-res/layer_20/width_262k/average_l0_50")]
    [InlineData(
        "gemma-scope-2-1b-pt/resid_post/layer_13_width_16k_l0_medium",
        "google/gemma-scope-2-1b-pt/resid_post/layer_13_width_16k_l0_medium"
    )]
    [InlineData("clt-gemma-2-2b-426k", "mntss/clt-gemma-2-2b-426k")]
    [InlineData("gemma-4-saes/gemma-4-e2b/btk-mat-layer-17-k-100", "decoderesearch/gemma-4-saes/gemma-4-e2b/btk-mat-layer-17-k-100")]
    [InlineData("gemma-4-31b/30-res-matryoshka-131k", "decoderesearch/gemma-4-saes/gemma-4-31b/btk-mat-layer-30-k-100")]
    [InlineData(
        "gemma-loupe/sae-gemma-4-E2B-32x-1B/language_model.layers.34",
        "rhizomatous/gemma-loupe/sae-gemma-4-E2B-32x-1B/language_model.layers.34"
    )]
    // Not a release of the catalogue: taken as it is.
    [InlineData("someone/their-saes/layer_3", "someone/their-saes/layer_3")]
    [InlineData(
        "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_1",
        "google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_1"
    )]
    public void short_names_stand_for_a_place_on_the_hub(string name, string reference) =>
        Assert.Equal(reference, Catalogue.Reference(name));

    [Fact]
    public void a_name_that_a_release_does_not_have_is_refused_with_the_nearest()
    {
        var error = Assert.Throws<ArgumentProblemException>(() =>
            Catalogue.Reference("gemma-scope-2b-pt-res-canonical/layer_26/width_16k")
        );
        Assert.Contains("gemma-scope-2b-pt-res-canonical/layer_2", error.Message);
        Assert.Throws<ArgumentProblemException>(() => SparseDictionary.Load("gemma-scope-2b-pt-res-canonical/layer_26/width_16k"));
    }

    [Fact]
    public void every_gemma_scope_1_dictionary_of_the_list_is_there()
    {
        var one = Catalogue.Entries.Where(entry => entry.Family == "Gemma Scope 1").ToArray();
        Assert.Equal(2430, one.Length);
        Assert.Equal(9, one.Select(entry => entry.Repository).Distinct().Count());
        Assert.Equal(
            (26, 8),
            (one.Count(entry => entry.Kind == DictionaryKind.Transcoder), one.Count(entry => entry.InputKind == "embed"))
        );
        Assert.All(one, entry => Assert.Equal(CatalogueSource.Listed, entry.Source));
    }

    [Fact]
    public void of_each_site_layer_and_width_one_is_canonical() =>
        Assert.All(
            Catalogue.Entries.GroupBy(entry => (entry.Model, entry.Kind, entry.InputSites[0], entry.InputSites.Count, entry.Width)),
            group => Assert.Single(group, entry => entry.Canonical)
        );

    [Fact]
    public void names_are_unique() =>
        Assert.Equal(Catalogue.Entries.Count, Catalogue.Entries.Select(entry => entry.Name).Distinct().Count());

    [Theory]
    [InlineData(
        "gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71",
        "gemma-2-2b",
        "resid_post.20",
        "resid_post.20",
        (2L * 2304 * 16384 + 2 * 16384 + 2304) * 4
    )]
    [InlineData(
        "gemma-4-saes/gemma-4-31b/btk-mat-layer-30-k-100",
        "gemma-4-31b",
        "resid_post.30",
        "resid_post.30",
        (2L * 5376 * 131072 + 2 * 131072 + 5376) * 4
    )]
    [InlineData(
        "gemma-scope-9b-pt-att/layer_0/width_131k/average_l0_55",
        "gemma-2-9b",
        "z.0",
        "z.0",
        (2L * 4096 * 131072 + 2 * 131072 + 4096) * 4
    )]
    [InlineData(
        "gemma-scope-2b-pt-res/layer_5/width_1m/average_l0_114",
        "gemma-2-2b",
        "resid_post.5",
        "resid_post.5",
        (2L * 2304 * 1048576 + 2 * 1048576 + 2304) * 4
    )]
    [InlineData(
        "gemma-scope-2b-pt-transcoders/layer_19/width_16k/average_l0_12",
        "gemma-2-2b",
        "ln2_normalized.19",
        "mlp_out.19",
        (2L * 2304 * 16384 + 2 * 16384 + 2304) * 4
    )]
    [InlineData(
        "gemma-scope-2b-pt-res/embedding/width_4k/average_l0_6",
        "gemma-2-2b",
        "embed",
        "embed",
        (2L * 2304 * 4096 + 2 * 4096 + 2304) * 4
    )]
    [InlineData(
        "gemma-scope-2-4b-it/transcoder_all/layer_33_width_262k_l0_big_affine",
        "google/gemma-3-4b-it",
        "mlp_in.33",
        "mlp_out.33",
        (2L * 2560 * 262144 + 2 * 262144 + 2560 + 2560 * 2560) * 4
    )]
    // METHODS §3.2: 10,080 latents a layer, some 30 GiB.
    [InlineData(
        "gemma-scope-2-1b-pt/clt/width_262k_l0_big",
        "google/gemma-3-1b-pt",
        "mlp_in.0",
        "mlp_out.0",
        26 * (1152L * 10080 * 27 + 2 * 10080 + 1152) * 4
    )]
    [InlineData(
        "gemma-scope-2-12b-pt/crosscoder/layer_12_24_31_41_width_262k_l0_medium",
        "google/gemma-3-12b-pt",
        "resid_post.12",
        "resid_post.12",
        4 * (3840L * 65536 * 5 + 2 * 65536 + 3840) * 4
    )]
    public void an_entry_says_model_sites_and_size(string name, string model, string reads, string writes, long bytes)
    {
        Assert.True(Catalogue.TryFind(name, out var entry));
        Assert.Equal(
            (model, reads, writes, bytes),
            (entry.Model, entry.InputSites[0].ToString(), entry.OutputSites[0].ToString(), entry.Bytes)
        );
    }

    [Theory]
    [InlineData("270m", 18 * 3 * 2 * 2 + 4 * 3 * 9 + 4 * 3 + 18 * 2 * 2 * 2 + 4 * 9 * 2 + 8 + 8)]
    [InlineData("27b", 62 * 3 * 2 * 2 + 4 * 3 * 9 + 4 * 3 + 62 * 2 * 2 * 2 + 4 * 9 * 2 + 8)]
    public void gemma_scope_2_is_derived_from_the_table_of_its_release(string size, int count)
    {
        foreach (var variant in (string[])["pt", "it"])
        {
            var entries = Catalogue.Entries.Where(entry => entry.Repository == $"google/gemma-scope-2-{size}-{variant}").ToArray();
            Assert.Equal(count, entries.Length);
            Assert.All(
                entries,
                entry => Assert.Equal((CatalogueSource.Derived, $"google/gemma-3-{size}-{variant}"), (entry.Source, entry.Model))
            );
        }
    }

    [Fact]
    public void filters_narrow_the_list()
    {
        var all = Catalogue
            .Find(
                new()
                {
                    Model = "google/gemma-2-2b",
                    Site = "resid_post",
                    Layer = 20,
                }
            )
            .ToArray();
        Assert.All(
            all,
            entry => Assert.Equal(("google/gemma-scope-2b-pt-res", Site.ResidPost(20)), (entry.Repository, entry.InputSites[0]))
        );
        Assert.Equal(
            ["71"],
            Catalogue
                .Find(
                    new()
                    {
                        Model = "gemma-2-2b",
                        Site = "resid_post",
                        Layer = 20,
                        Width = "16K",
                        Canonical = true,
                    }
                )
                .Select(entry => entry.L0)
        );
        Assert.Equal(26, Catalogue.Find(new() { Model = "gemma-2-2b", Kind = DictionaryKind.Transcoder }).Count());
        Assert.Equal(
            "mlp_out.3",
            Catalogue
                .Find(
                    new()
                    {
                        Model = "gemma-3-270m-it",
                        Site = "mlp_out",
                        Layer = 3,
                        L0 = "small",
                        Kind = DictionaryKind.Sae,
                    }
                )
                .First()
                .InputSites[0]
                .ToString()
        );
        Assert.Empty(Catalogue.Find(new() { Model = "gemma-2-2b", Width = "7k" }));
    }

    [Fact]
    public void a_short_name_is_downloaded_from_where_it_stands_for()
    {
        var file = SampleDictionaries.WriteScopeOne(_folder.Path, "any", 4, 6);
        using var hub = new FakeHub("google/gemma-scope-2b-pt-res").With(
            "layer_20/width_16k/average_l0_71/params.npz",
            File.ReadAllBytes(file)
        );
        var found = SparseDictionary.Resolve(
            "gemma-scope-2b-pt-res-canonical/layer_20/width_16k",
            hub.Options,
            cancellationToken: TestContext.Current.CancellationToken
        );
        Assert.Equal("google/gemma-scope-2b-pt-res/layer_20/width_16k/average_l0_71", found.Reference!.ToString());
        using var dictionary = SparseDictionary.Load(found.Path);
        Assert.Equal((Site.ResidPost(20), "gemma-2-2b"), (dictionary.InputSite, dictionary.Origin.Model));
    }

    [Fact]
    public void the_dictionaries_of_the_demo_model_are_listed_as_they_are()
    {
        var listed = DictionaryCatalogue
            .Load(_folder.File("none.txt"))
            .Find(new() { Model = "demo-pt" })
            .Where(entry => entry.Repository == "demo-scope")
            .ToArray();
        var folder = DemoFiles.Require("demo-scope");
        Assert.Equal(
            [.. Directory.EnumerateFiles(folder, "params.safetensors", SearchOption.AllDirectories).Select(Path.GetDirectoryName).Order()],
            listed.Select(entry => entry.Folder).Order()
        );
        Assert.All(
            listed,
            entry =>
            {
                using var dictionary = SparseDictionary.Load(entry.Folder!);
                Assert.Equal(
                    (entry.Kind, entry.InputSites[0], entry.OutputSites[0], entry.Family),
                    (dictionary.Kind, dictionary.InputSite, dictionary.OutputSite, dictionary.Family)
                );
                Assert.Equal(Directory.EnumerateFiles(entry.Folder!).Sum(file => new FileInfo(file).Length), entry.Bytes);
            }
        );
        Assert.True(Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length) < 14 << 20);
    }

    [Fact]
    public async Task what_is_seen_on_the_hub_takes_the_place_of_what_was_known()
    {
        using var hub = new FakeHub("org/gemma-scope-2-1b-pt")
            .With("README.md", "# dictionaries")
            .With("figures/params.safetensors", FakeHub.Random(9))
            .With("resid_post/layer_13_width_16k_l0_medium/params.safetensors", FakeHub.Random(3000))
            .With("resid_post/layer_13_width_16k_l0_medium/config.json", "{}")
            .With("clt/width_262k_l0_big/params_layer_0.safetensors", FakeHub.Random(100))
            .With("clt/width_262k_l0_big/params_layer_1.safetensors", FakeHub.Random(50));
        var file = _folder.File("dictionaries.txt");
        await CatalogueRefresh.RunAsync("org/gemma-scope-2-1b-pt", file, hub.Options, TestContext.Current.CancellationToken);
        var found = await CatalogueRefresh.RunAsync("org/gemma-scope-2-1b-pt", file, hub.Options, TestContext.Current.CancellationToken);
        Assert.Equal([150L, 3000L], found.Select(entry => entry.Bytes));

        var catalogue = DictionaryCatalogue.Load(file);
        Assert.Equal(DictionaryCatalogue.Load(_folder.File("none.txt")).Entries.Count + 2, catalogue.Entries.Count);
        Assert.True(catalogue.TryFind("org/gemma-scope-2-1b-pt/resid_post/layer_13_width_16k_l0_medium", out var seen));
        Assert.Equal((CatalogueSource.Hub, 3000L, "google/gemma-3-1b-pt"), (seen.Source, seen.Bytes, seen.Model));
    }

    [Fact]
    public async Task a_repository_without_dictionaries_is_refused()
    {
        using var hub = new FakeHub().With("config.json", "{}");
        var error = await Assert.ThrowsAsync<HubException>(() =>
            CatalogueRefresh.RunAsync("org/model", _folder.File("x"), hub.Options, TestContext.Current.CancellationToken)
        );
        Assert.Contains("none of its 1 files", error.Message);
        Assert.False(File.Exists(_folder.File("x")));
    }

    [Theory]
    [InlineData("something else")]
    [InlineData("# gemmascope catalogue 1: repository, path, bytes\ngoogle/gemma-scope-2b-pt-res layer_1")]
    [InlineData("# gemmascope catalogue 1: repository, path, bytes\ngoogle/gemma-scope-2b-pt-res nonsense 12")]
    [InlineData("# gemmascope catalogue 1: repository, path, bytes\ngoogle/gemma-scope-2b-pt-res layer_1/width_16k/average_l0_7 many")]
    public void a_file_that_is_no_catalogue_is_refused(string content)
    {
        File.WriteAllText(_folder.File("x"), content);
        Assert.Throws<FileFormatException>(() => DictionaryCatalogue.Load(_folder.File("x")));
    }
}
