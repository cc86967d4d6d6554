namespace GemmaScope.Dictionaries;

/// <summary>The dictionaries of Gemma Scope 2 that follow from the table of its releases (METHODS §3.1) with the paths of §3.2.</summary>
internal static class ScopeTwoReleases
{
    private static readonly (string Size, int[] Subset)[] Models =
    [
        ("270m", [5, 9, 12, 15]),
        ("1b", [7, 13, 17, 22]),
        ("4b", [9, 17, 22, 29]),
        ("12b", [12, 24, 31, 41]),
        ("27b", [16, 31, 40, 53]),
    ];

    private static readonly string[] SaeSites = ["resid_post", "attn_out", "mlp_out"],
        Plain = [""],
        WithAffine = ["", "_affine"];

    public static IEnumerable<CatalogueEntry> Make() =>
        from model in Models
        from variant in (string[])["pt", "it"]
        let repository = $"google/gemma-scope-2-{model.Size}-{variant}"
        from path in Paths(model.Size, model.Subset)
        select Entry(repository, path, model.Subset);

    /// <summary>Every path in the repository of one model.</summary>
    private static IEnumerable<string> Paths(string size, int[] subset)
    {
        var all = Enumerable.Range(0, DictionarySize.Layers($"gemma-3-{size}"));
        string[] allWidths = ["16k", "262k"],
            subsetWidths = ["16k", "65k", "262k"],
            allL0 = ["small", "big"],
            subsetL0 = ["small", "medium", "big"],
            together = ["medium", "big"];
        foreach (var site in SaeSites.Append("transcoder"))
        {
            var affine = site == "transcoder" ? WithAffine : Plain;
            foreach (var path in Grid($"{site}_all", all, allWidths, allL0, affine))
                yield return path;
            foreach (var path in Grid(site, subset, site == "resid_post" ? [.. subsetWidths, "1m"] : subsetWidths, subsetL0, affine))
                yield return path;
        }
        foreach (var (width, l0) in Product(["65k", "262k", "524k", "1m"], together))
            yield return $"crosscoder/layer_{string.Join('_', subset)}_width_{width}_l0_{l0}";
        if (size is not ("270m" or "1b"))
            yield break;
        foreach (var (width, l0) in Product(["262k", "524k"], together))
        foreach (var end in WithAffine)
            yield return $"clt/width_{width}_l0_{l0}{end}";
    }

    private static IEnumerable<string> Grid(string folder, IEnumerable<int> layers, string[] widths, string[] l0s, string[] ends) =>
        from layer in layers
        from pair in Product(widths, l0s)
        from end in ends
        select $"{folder}/layer_{layer}_width_{pair.Width}_l0_{pair.L0}{end}";

    private static IEnumerable<(string Width, string L0)> Product(string[] widths, string[] l0s) =>
        widths.SelectMany(width => l0s.Select(l0 => (width, l0)));

    /// <summary>
    /// The makers name no canonical ones. We take medium where it is, at the four chosen layers, of which Neuronpedia has the residual
    /// ones, and at the others big, whose target L0 is 100.
    /// </summary>
    private static CatalogueEntry Entry(string repository, string path, int[] subset)
    {
        var entry = CatalogueEntry.Of(repository, path, CatalogueSource.Derived)!;
        if (entry.L0 != "medium")
            return entry with { Canonical = entry.L0 == "big" && entry.Layers.ToArray() is [var only] && !subset.Contains(only) };
        // Transcoders with and without a skip connection are two kinds, cross-layer ones are one.
        if (entry.Kind == DictionaryKind.CrossLayerTranscoder)
            return entry with { Canonical = !path.EndsWith("_affine", StringComparison.Ordinal) };
        if (!path.StartsWith("resid_post/", StringComparison.Ordinal))
            return entry with { Canonical = true };
        var model = entry.Model.Replace("google/", "", StringComparison.Ordinal).Replace("-pt", "", StringComparison.Ordinal);
        return entry with { Canonical = true, Neuronpedia = $"{model}/{entry.Layers.Single()}-gemmascope-2-res-{entry.Width}" };
    }
}
