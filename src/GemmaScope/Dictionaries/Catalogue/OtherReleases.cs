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
}
