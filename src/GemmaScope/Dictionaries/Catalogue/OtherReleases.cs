using GemmaScope.Models;

namespace GemmaScope.Dictionaries;

/// <summary>Dictionaries for Gemma that others published.</summary>
internal static class OtherReleases
{
    private const int Layers = 26;

    public static IEnumerable<CatalogueEntry> Make() =>
        [
            new()
            {
                Repository = "jbloom/Gemma-2b-IT-Residual-Stream-SAEs",
                Path = "gemma_2b_it_blocks.12.hook_resid_post_16384",
                Family = SaeLensReader.Family,
                Source = CatalogueSource.Listed,
                Model = "gemma-2b-it",
                Kind = DictionaryKind.Sae,
                InputSites = [Site.ResidPost(12)],
                OutputSites = [Site.ResidPost(12)],
                Width = "16k",
                L0 = "61",
                Canonical = true,
                Neuronpedia = "gemma-2b-it/12-res-jb",
            },
            Clt("426k", null),
            Clt("2.5M", "gemma-2-2b/*-clt-hp"),
            .. from layer in (int[])[6, 17, 28] select Matryoshka("gemma-4-e2b", layer, "65k", "matryoshka-res"),
            .. from layer in (int[])[7, 21, 35] select Matryoshka("gemma-4-e4b", layer, "65k", "matryoshka-res"),
            Matryoshka("gemma-4-31b", 30, "131k", "res-matryoshka"),
            .. Enumerable.Range(0, DictionarySize.Layers("gemma-4-e2b")).Select(Loupe),
        ];

    private static CatalogueEntry Clt(string width, string? neuronpedia) =>
        new()
        {
            Repository = $"mntss/clt-gemma-2-2b-{width}",
            Path = "",
            Family = CircuitTracerReader.Family,
            Source = CatalogueSource.Listed,
            Model = "gemma-2-2b",
            Kind = DictionaryKind.CrossLayerTranscoder,
            InputSites = [.. Enumerable.Range(0, Layers).Select(Site.ResidMid)],
            OutputSites = [.. Enumerable.Range(0, Layers).Select(Site.MlpOut)],
            Width = width,
            Canonical = true,
            Neuronpedia = neuronpedia,
        };

    /// <summary>Matryoshka dictionaries of base Gemma 4, stored as JumpReLU.</summary>
    private static CatalogueEntry Matryoshka(string model, int layer, string width, string neuronpedia) =>
        new()
        {
            Repository = "decoderesearch/gemma-4-saes",
            Path = $"{model}/btk-mat-layer-{layer}-k-100",
            Family = SaeLensReader.Family,
            Source = CatalogueSource.Listed,
            Model = model,
            Kind = DictionaryKind.Sae,
            InputSites = [Site.ResidPost(layer)],
            OutputSites = [Site.ResidPost(layer)],
            Width = width,
            L0 = "100",
            Canonical = true,
            Neuronpedia = $"{model}/{layer}-{neuronpedia}-{width}",
            Bytes = DictionarySize.Bytes(model, DictionaryKind.Sae, [Site.ResidPost(layer)], width, affine: false),
        };

    /// <summary>Top-k dictionaries of every layer of base Gemma 4 E2B, 32 features for each number of the residual stream.</summary>
    private static CatalogueEntry Loupe(int layer) =>
        new()
        {
            Repository = "rhizomatous/gemma-loupe",
            Path = $"sae-gemma-4-E2B-32x-1B/language_model.layers.{layer}",
            Family = SparsifyReader.Family,
            Source = CatalogueSource.Listed,
            Model = "gemma-4-e2b",
            Kind = DictionaryKind.Sae,
            InputSites = [Site.ResidPost(layer)],
            OutputSites = [Site.ResidPost(layer)],
            Width = "49k",
            L0 = "100",
            Canonical = true,
        };
}
