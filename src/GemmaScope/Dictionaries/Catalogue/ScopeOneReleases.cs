using System.Globalization;

namespace GemmaScope.Dictionaries;

/// <summary>The dictionaries of Gemma Scope 1 and a few that others published, from the list that comes with the library.</summary>
internal static class ScopeOneReleases
{
    private const int WantedL0 = 100;

    public static IEnumerable<CatalogueEntry> Read()
    {
        using var stream = typeof(ScopeOneReleases).Assembly.GetManifestResourceStream("gemma-scope-1.txt")!;
        using var reader = new StreamReader(stream);
        var repository = "";
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;
            var words = line.Split(' ');
            if (words is [var name])
                repository = name;
            else
            {
                foreach (var entry in Entries(repository, words[0], words[1], words[2..]))
                    yield return entry;
            }
        }
    }

    /// <summary>Marks the canonical ones where a list has none: of each site, layer and width the L0 nearest 100 (METHODS §2.3).</summary>
    public static IEnumerable<CatalogueEntry> WithCanonical(IEnumerable<CatalogueEntry> entries)
    {
        foreach (var group in entries.GroupBy(entry => (entry.Repository, entry.InputSites[0], entry.Kind, entry.Width)))
        {
            var chosen =
                group.FirstOrDefault(entry => entry.Canonical)
                ?? group.Where(entry => L0Of(entry) is not null).MinBy(entry => Math.Abs(L0Of(entry)!.Value - WantedL0));
            foreach (var entry in group)
                yield return entry with
                {
                    Canonical = ReferenceEquals(entry, chosen),
                };
        }
    }

    private static int? L0Of(CatalogueEntry entry) =>
        int.TryParse(entry.L0, NumberStyles.None, CultureInfo.InvariantCulture, out var l0) ? l0 : null;

    /// <summary>The dictionaries of one layer and width: each word is an L0 with its marks.</summary>
    private static IEnumerable<CatalogueEntry> Entries(string repository, string layer, string width, string[] marked)
    {
        var entries = marked.Select(word =>
        {
            var l0 = word.TrimEnd('*', '+');
            var entry = CatalogueEntry.Of(repository, $"{layer}/width_{width}/average_l0_{l0}", CatalogueSource.Listed)!;
            var (canonical, labelled) = (word.Contains('*'), word.Contains('+'));
            var site = repository[(repository.LastIndexOf('-') + 1)..] is var last && last == "transcoders" ? "transcoder" : last;
            var name = $"{entry.Model}/{entry.Layers.FirstOrDefault()}-gemmascope-{site}-{width}";
            return entry with
            {
                Canonical = canonical,
                Neuronpedia =
                    canonical ? name
                    : labelled ? $"{name}__l0-{l0}"
                    : null,
            };
        });
        return WithCanonical(entries);
    }
}
