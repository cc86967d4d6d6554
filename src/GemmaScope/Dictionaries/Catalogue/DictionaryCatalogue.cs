using System.Diagnostics.CodeAnalysis;
using GemmaScope.Files;

namespace GemmaScope.Dictionaries;

/// <summary>
/// The released dictionaries that can be found by name: those of Gemma Scope 1 and 2 and some of others, and what
/// <see cref="CatalogueRefresh"/> has seen on the hub, which counts for its repository.
/// </summary>
public sealed class DictionaryCatalogue
{
    private const string CanonicalRelease = "-canonical",
        CanonicalId = "/canonical";
    private static readonly Lazy<DictionaryCatalogue> Shipped = new(() =>
        new([.. ScopeOneReleases.Read(), .. ScopeTwoReleases.Make(), .. OtherReleases.Make()])
    );

    private readonly Dictionary<string, CatalogueEntry> _byName = new(StringComparer.Ordinal);
    private readonly HashSet<string> _releases = new(StringComparer.Ordinal);

    private DictionaryCatalogue(IReadOnlyList<CatalogueEntry> entries)
    {
        Entries = entries;
        foreach (var entry in entries)
        {
            _byName[entry.Reference] = entry;
            _byName[entry.Name] = entry;
            if (entry.Neuronpedia is { } neuronpedia && !neuronpedia.Contains('*'))
                _byName[neuronpedia] = entry;
            _releases.Add(entry.Repository.Split('/')[^1]);
            if (!entry.Canonical || entry.Family != ScopeReader.FamilyOne)
                continue;
            var (release, path) = (entry.Repository.Split('/')[^1] + CanonicalRelease, entry.Path[..entry.Path.LastIndexOf('/')]);
            _releases.Add(release);
            _byName[$"{release}/{path}"] = _byName[$"{release}/{path}{CanonicalId}"] = entry;
        }
    }

    /// <summary>What comes with the library, without what was seen on the hub.</summary>
    public static DictionaryCatalogue BuiltIn => Shipped.Value;

    /// <summary>All entries, by family, repository and layer.</summary>
    public IReadOnlyList<CatalogueEntry> Entries { get; }

    /// <summary>The built-in catalogue with the repositories that the user's file lists in their place, the demo model's dictionaries, and
    /// the user's own (<see cref="LocalCatalogue"/>).</summary>
    /// <param name="file">The file; null for the user's own, <see cref="CatalogueRefresh.UserFile"/>. It need not exist. The list of
    /// folders lies beside it.</param>
    /// <exception cref="FileFormatException">The file is no catalogue, or that of a folder is damaged.</exception>
    public static DictionaryCatalogue Load(string? file = null)
    {
        // Who has no folder of settings has listed nothing.
        file ??= CatalogueRefresh.FindUserFile(Environment.GetEnvironmentVariable);
        CatalogueEntry[] seen =
        [
            .. file is null ? [] : CatalogueRefresh.Read(file),
            .. LocalCatalogue.ReadDemo(),
            .. file is null ? [] : LocalCatalogue.ReadAll(LocalCatalogue.ListBeside(file)),
        ];
        if (seen.Length == 0)
            return BuiltIn;
        var repositories = seen.Select(entry => entry.Repository).ToHashSet(StringComparer.Ordinal);
        return new([.. BuiltIn.Entries.Where(entry => !repositories.Contains(entry.Repository)), .. seen]);
    }

    /// <summary>The entries that a filter asks for.</summary>
    public IEnumerable<CatalogueEntry> Find(DictionaryFilter filter) => Entries.Where(filter.Fits);

    /// <summary>
    /// The entry of a name: <c>gemma-scope-2b-pt-res-canonical/layer_20/width_16k</c> (SAELens's <c>/canonical</c> may follow), a name with
    /// L0,
    /// with or without its owner, or a name on Neuronpedia.
    /// </summary>
    public bool TryFind(string name, [NotNullWhen(true)] out CatalogueEntry? entry) => _byName.TryGetValue(name.TrimEnd('/'), out entry);

    /// <summary>The reference on the hub that a name stands for; a name of no release here is taken as it is.</summary>
    /// <exception cref="ArgumentProblemException">The name begins with a release of the catalogue that has no such dictionary; the message
    /// names the nearest.</exception>
    public string Reference(string name)
    {
        if (TryFind(name, out var entry))
            return entry.Reference;
        if (!_releases.Contains(name.Split('/')[0]))
            return name;
        var near = Similar.To(name, _byName.Keys);
        throw new ArgumentProblemException(
            $"the catalogue has no such dictionary{(near.Count > 0 ? $"; did you mean {string.Join(" or ", near)}" : "")} (gemmascope "
                + "dictionaries list shows all)",
            name
        );
    }
}
