using GemmaScope.Dictionaries;
using GemmaScope.Evaluation;
using GemmaScope.Files;
using GemmaScope.Models;

namespace GemmaScope.Features.Statistics;

/// <summary>How well a dictionary does over the counted positions of a corpus (METHODS §2.9); what no position was counted for is
/// NaN.</summary>
/// <param name="Tokens">Counted positions.</param>
/// <param name="L0">Mean number of active features.</param>
/// <param name="Fvu">Fraction of variance unexplained at the sites it writes.</param>
/// <param name="CosineSimilarity">Mean cosine of rows and reconstructions.</param>
public sealed record DictionaryQuality(long Tokens, double L0, double Fvu, double CosineSimilarity);

/// <summary>
/// Sums that give the quality of dictionaries, made while the model runs: decoding what is active costs little beside the encoding of all
/// features.
/// </summary>
internal sealed class QualitySums(IReadOnlyList<SparseDictionary> dictionaries)
{
    private readonly PositionSums[] _sums = [.. dictionaries.Select(one => new PositionSums(one.OutputWidth))];

    public DictionaryQuality this[int dictionary] =>
        new(
            _sums[dictionary].Reconstruction.Rows,
            _sums[dictionary].L0,
            _sums[dictionary].Reconstruction.Fvu,
            _sums[dictionary].Reconstruction.CosineSimilarity
        );

    /// <summary>Adds the rows of a run that count.</summary>
    public void Add(ModelRun run, int dictionary, SparseActivations features, ReadOnlySpan<bool> counted)
    {
        var one = dictionaries[dictionary];
        using var x = one.DecodesWithInput ? SparseDictionary.Beside(run, one.InputSites) : null;
        using var several = one.OutputSites.Count > 1 ? SparseDictionary.Beside(run, one.OutputSites) : null;
        var target = (several ?? run[one.OutputSite]).AsMatrix();
        using var reconstruction = one.Decode(features, x?.AsMatrix());
        var products = RowProducts.Of(target, reconstruction.AsMatrix());
        for (var row = 0; row < counted.Length; row++)
            if (counted[row])
                _sums[dictionary].Add(target.Row(row), products[row], features.L0(row));
    }

    public void Save(string file, IReadOnlyDictionary<string, string> description)
    {
        var state = new SumsState.Saving();
        Visit(state);
        SafetensorsWriter.Write(file, state.Tensors, description, overwrite: true);
    }

    public void Restore(string file, Action<IReadOnlyDictionary<string, string>> accept)
    {
        using var saved = SafetensorsFile.Open(file);
        accept(saved.Metadata);
        Visit(new SumsState.Restoring(saved));
    }

    private void Visit(SumsState state)
    {
        for (var i = 0; i < _sums.Length; i++)
            state.Within($"{i}", _sums[i].Visit);
    }
}
