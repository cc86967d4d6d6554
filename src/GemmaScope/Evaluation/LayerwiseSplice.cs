using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Evaluation;

/// <summary>
/// A dictionary of several layers in one run. A block's features are computed once, when the run passes its input site, from what earlier
/// layers
/// made of it; an output site gets what all blocks read so far say of it (METHODS §4.4). A site that is read and written is read first.
/// </summary>
/// <param name="dictionary">The dictionary; its input sites come one after the other, none after its output site.</param>
/// <param name="where">Of each row whether it is replaced.</param>
/// <param name="observer">Told of all output sites side by side once the last is written, or null.</param>
/// <param name="cancellationToken">Stops between blocks of features.</param>
internal sealed class LayerwiseSplice(
    MultiLayerDictionary dictionary,
    bool[] where,
    SpliceObserver? observer,
    CancellationToken cancellationToken
)
{
    private readonly Tensor?[] _inputs = new Tensor?[dictionary.InputSites.Count];
    private FeatureRows? _features;
    private Tensor? _before,
        _after;
    private int _written;

    /// <summary>The edits of one run.</summary>
    public IEnumerable<Edit> Edits()
    {
        for (var layer = 0; layer < _inputs.Length; layer++)
        {
            var l = layer;
            var (input, output) = (dictionary.InputSites[l], dictionary.OutputSites[l]);
            if (input == output)
            {
                yield return Edit.OfAllSequences(
                    input,
                    rows =>
                    {
                        Read(l, rows);
                        Write(l, rows, rows);
                    }
                );
                continue;
            }
            yield return Edit.OfAllSequences(
                input,
                rows =>
                {
                    Read(l, rows);
                    // For a skip connection; the rows are gone when the output site is reached.
                    if (dictionary.DecodesWithInput)
                        _inputs[l] = Splice.Copy(rows);
                }
            );
            yield return Edit.OfAllSequences(
                output,
                rows =>
                {
                    using var kept = _inputs[l];
                    Write(l, rows, kept?.AsMatrix() ?? rows);
                }
            );
        }
    }

    private void Read(int layer, MatrixView rows) =>
        dictionary.EncodeBlock(layer, rows, _features ??= new FeatureRows(rows.Rows, dictionary.Width), cancellationToken);

    private void Write(int layer, MatrixView rows, MatrixView input)
    {
        var features = _features!.ToActivations();
        using var reconstruction = dictionary.DecodeTarget(layer, features, input);
        Observe(layer, rows, features, reconstruction.AsMatrix());
        Splice.Replace(rows, reconstruction.AsMatrix(), where);
    }

    private void Observe(int layer, MatrixView rows, SparseActivations features, MatrixView reconstruction)
    {
        if (observer is null)
            return;
        Keep(_before ??= Tensor.Uninitialized(rows.Rows, dictionary.OutputWidth), layer, rows);
        Keep(_after ??= Tensor.Uninitialized(rows.Rows, dictionary.OutputWidth), layer, reconstruction);
        if (++_written < _inputs.Length)
            return;
        observer(_before.AsMatrix(), features, _after.AsMatrix());
        _before.Dispose();
        _after.Dispose();
    }

    private static void Keep(Tensor beside, int layer, MatrixView rows)
    {
        var target = beside.AsMatrix().SliceColumns(layer * rows.Columns, rows.Columns);
        for (var i = 0; i < rows.Rows; i++)
            rows.Row(i).CopyTo(target.Row(i));
    }
}
