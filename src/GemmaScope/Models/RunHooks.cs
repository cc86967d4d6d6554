using GemmaScope.Numerics;

namespace GemmaScope.Models;

/// <summary>
/// Who listens at which site of one run. The forward pass asks <see cref="Listens"/> before it makes an intermediate
/// that nobody else needs, so a site without listeners costs one look into a table.
/// </summary>
internal sealed unsafe class RunHooks
{
    private readonly GemmaConfig _config;
    private readonly Dictionary<Site, List<Edit>> _edits = [];
    private readonly Dictionary<Site, Tensor[]?> _captured = [];
    private readonly bool[] _listens;

    public RunHooks(GemmaConfig config, IEnumerable<Site> capture, IEnumerable<Edit> edits)
    {
        _config = config;
        _listens = new bool[(config.Layers + 1) * KindCount];
        foreach (var site in capture)
        {
            Require(site);
            _captured[site] = null;
            Mark(site);
        }
        foreach (var edit in edits)
        {
            Require(edit.Site);
            CheckWidth(edit);
            if (!_edits.TryGetValue(edit.Site, out var list))
                _edits[edit.Site] = list = [];
            list.Add(edit);
            Mark(edit.Site);
        }
    }

    /// <summary>The last site anyone listens to, or null.</summary>
    public Site? Last { get; private set; }

    /// <summary>Whether anything is captured.</summary>
    public bool Captures => _captured.Count > 0;

    /// <summary>What was captured: one tensor a site, or one a sequence at attention matrices.</summary>
    public Dictionary<Site, Tensor[]> Captured() =>
        _captured.Where(pair => pair.Value is not null).ToDictionary(pair => pair.Key, pair => pair.Value!);

    public bool Listens(SiteKind kind, int layer) => _listens[Index(kind, layer)];

    /// <summary>Edits, then captures, token rows: [all sequences' tokens, width].</summary>
    public void At(SiteKind kind, int layer, MatrixView rows, RunSequences sequences)
    {
        if (!Listens(kind, layer))
            return;
        var site = new Site(kind, layer);
        if (_edits.TryGetValue(site, out var edits))
            foreach (var edit in edits)
                edit.Apply(rows, sequences);
        if (_captured.ContainsKey(site))
            _captured[site] = [Copy(rows, _config.SiteShape(site, rows.Rows))];
    }

    /// <summary>Edits, then captures, logit rows; <paramref name="positions"/> tells each row's position.</summary>
    public void AtLogits(SiteKind kind, MatrixView rows, ReadOnlySpan<int> positions)
    {
        if (!Listens(kind, 0))
            return;
        var site = new Site(kind);
        if (_edits.TryGetValue(site, out var edits))
            foreach (var edit in edits)
                for (var r = 0; r < rows.Rows; r++)
                    edit.Apply(rows.SliceRows(r, 1), positions[r]);
        if (_captured.ContainsKey(site))
            _captured[site] = [Copy(rows, _config.SiteShape(site, rows.Rows))];
    }

    /// <summary>Edits, then captures, one sequence's attention matrices: [heads · queries, keys].</summary>
    public void AtAttention(SiteKind kind, int layer, MatrixView matrices, int sequence, RunSequences sequences)
    {
        if (!Listens(kind, layer))
            return;
        var site = new Site(kind, layer);
        var queries = matrices.Rows / _config.Heads;
        if (_edits.TryGetValue(site, out var edits))
            foreach (var edit in edits)
                edit.ApplyToHeads(matrices, _config.Heads, sequences.First(sequence));
        if (!_captured.TryGetValue(site, out var tensors))
            return;
        _captured[site] = tensors ??= new Tensor[sequences.Count];
        tensors[sequence] = Copy(matrices, _config.SiteShape(site, queries, matrices.Columns));
    }

    private static int KindCount { get; } = Enum.GetValues<SiteKind>().Length;

    private static int Index(SiteKind kind, int layer) => Site.IsGlobal(kind) ? (int)kind : (layer + 1) * KindCount + (int)kind;

    private void Mark(Site site)
    {
        _listens[Index(site.Kind, site.Layer ?? 0)] = true;
        if (Last is not { } last || site > last)
            Last = site;
    }

    private void Require(Site site)
    {
        if (_config.Has(site))
            return;
        throw new ArgumentProblemException(
            site.Layer >= _config.Layers
                ? $"the model has layers 0 to {_config.Layers - 1}"
                : $"this model has no such site; {Absence(site)}",
            site.ToString()
        );
    }

    /// <summary>Why the model does not have a site.</summary>
    private string Absence(Site site) =>
        site is { Layer: { } layer, Kind: <= SiteKind.AttnPattern } && _config.Shapes[layer].KeyValueSource is { } source
            ? $"layer {layer} reads the keys and values of layer {source}"
            : site.Kind switch
            {
                SiteKind.QNormed or SiteKind.KNormed => "queries and keys are normed from Gemma 3 on",
                SiteKind.VNormed or SiteKind.ResidBeforeScalar => "it exists in Gemma 4 only",
                >= SiteKind.DenseOut and < SiteKind.MlpOut => "it has no experts",
                _ => "it has no embeddings for each layer",
            };

    private void CheckWidth(Edit edit)
    {
        var width = _config.SiteWidth(edit.Site);
        if (edit.Width is int given && width >= 0 && given != width)
            throw new ArgumentProblemException($"the edit's vector has {given} numbers, the site has {width}", edit.Site.ToString());
    }

    private static Tensor Copy(MatrixView rows, ReadOnlySpan<long> shape)
    {
        var copy = Tensor.Uninitialized(shape);
        var target = new MatrixView(copy.Floats, rows.Rows, rows.Columns, rows.Columns);
        for (var i = 0; i < rows.Rows; i++)
            rows.Row(i).CopyTo(target.Row(i));
        return copy;
    }
}
