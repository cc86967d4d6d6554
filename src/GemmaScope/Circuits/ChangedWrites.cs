using System.Numerics.Tensors;
using GemmaScope.Dictionaries;
using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>
/// (new − old) W_dec of changed features, added to the output of every layer they write. The old activation is read in the run itself,
/// which an earlier change may have altered, or taken from elsewhere. Serves several runs at once, each on a thread of its own.
/// </summary>
internal sealed class ChangedWrites
{
    /// <summary>The old activation of a change at a position, where it is not read in the run.</summary>
    public delegate float KnownActivation(FeatureChange change, int position);

    private readonly Source[] _sources;
    private readonly int _zeroPositions;
    private readonly KnownActivation? _known;

    /// <param name="set">The transcoders.</param>
    /// <param name="changes">The changes.</param>
    /// <param name="zeroPositions">Positions that a change without positions leaves alone.</param>
    /// <param name="layers">The number of layers.</param>
    /// <param name="known">Null: read in the run.</param>
    public ChangedWrites(
        TranscoderSet set,
        IReadOnlyList<FeatureChange> changes,
        int zeroPositions,
        int layers,
        KnownActivation? known = null
    )
    {
        Check(set, changes, zeroPositions);
        (_zeroPositions, _known) = (zeroPositions, known);
        _sources =
        [
            .. changes
                .GroupBy(change => change.Layer)
                .OrderBy(group => group.Key)
                .Select(group => new Source(set[group.Key]!, [.. group], layers)),
        ];
    }

    /// <summary>The edits: those that read old activations, where they are not known, and one for each layer that a change
    /// reaches.</summary>
    public IReadOnlyList<Edit> Edits()
    {
        // By source, [rows, changes]; the edits may serve several runs at once, each on a thread of its own.
        var read = new ThreadLocal<float[][]>(() => [.. _sources.Select(_ => Array.Empty<float>())]);
        var readers = _known is null ? _sources.Select((source, i) => Reader(source, i, read)) : [];
        var targets = _sources.SelectMany(source => source.Targets).Distinct().Order();
        return
        [
            .. readers,
            .. targets.Select(target => Edit.OfRun(Site.MlpOut(target), (rows, run) => Write(target, rows, run, read.Value!))),
        ];
    }

    private static Edit Reader(Source source, int i, ThreadLocal<float[][]> read) =>
        Edit.OfRun(
            source.Transcoder.Input,
            (rows, _) =>
            {
                ref var room = ref read.Value![i];
                if (room.Length < rows.Rows * source.Changes.Length)
                    room = new float[rows.Rows * source.Changes.Length];
                source.Readout.Read(rows, room);
            }
        );

    private void Write(int target, MatrixView rows, RunSequences sequences, float[][] read)
    {
        foreach (var (i, source) in _sources.Index())
        {
            if (source.Vectors[target] is not { } vectors)
                continue;
            for (var s = 0; s < sequences.Count; s++)
            for (var c = 0; c < source.Changes.Length; c++)
            {
                var change = source.Changes[c];
                var (start, end) = (change.Positions ?? new(_zeroPositions, int.MaxValue)).Rows(sequences.First(s), sequences.Length(s));
                for (var row = sequences.Start(s) + start; row < sequences.Start(s) + end; row++)
                {
                    var old = _known is null
                        ? read[i][row * source.Changes.Length + c]
                        : _known(change, sequences.First(s) + row - sequences.Start(s));
                    var difference = change.Difference(old, sequences.First(s) + row - sequences.Start(s));
                    if (difference != 0)
                        TensorPrimitives.MultiplyAdd(vectors[c], difference, rows.Row(row), rows.Row(row));
                }
            }
        }
    }

    private static void Check(TranscoderSet set, IReadOnlyList<FeatureChange> changes, int zeroPositions)
    {
        if (changes.Count == 0)
            throw new ArgumentProblemException("there is none to make", "change");
        foreach (var change in changes)
        {
            set.Require(change.Layer, change.Feature);
            if (!double.IsFinite(change.Factor) || !double.IsFinite(change.Value))
                throw new ArgumentProblemException(
                    $"feature {change.Feature} of layer {change.Layer} cannot become {change.Factor} times itself plus {change.Value}",
                    "change"
                );
        }
        var everywhere = new Positions(zeroPositions, int.MaxValue);
        foreach (var feature in changes.GroupBy(change => (change.Layer, change.Feature)))
        {
            Positions[] spans = [.. feature.Select(change => change.Positions ?? everywhere).OrderBy(span => span.Start)];
            if (spans.Zip(spans.Skip(1)).Any(pair => pair.Second.Start < pair.First.End))
                throw new ArgumentProblemException(
                    $"feature {feature.Key.Feature} of layer {feature.Key.Layer} is changed twice at one position",
                    "change"
                );
        }
    }

    /// <summary>The changes of one layer's features.</summary>
    private sealed class Source
    {
        public Source(TranscoderLayer transcoder, FeatureChange[] changes, int layers)
        {
            (Transcoder, Changes) = (transcoder, changes);
            Readout = transcoder.Readout(Array.ConvertAll(changes, change => change.Feature));
            Targets = [.. Enumerable.Range(0, layers).Where(transcoder.Writes)];
            Vectors = new float[layers][][];
            foreach (var target in Targets)
                Vectors[target] = Array.ConvertAll(changes, change => Vector(target, change.Feature));
        }

        public TranscoderLayer Transcoder { get; }

        public FeatureChange[] Changes { get; }

        public FeatureReadout Readout { get; }

        public int[] Targets { get; }

        /// <summary>By target layer and change; null where the layer is not written.</summary>
        public float[][]?[] Vectors { get; }

        private float[] Vector(int target, int feature)
        {
            var vector = new float[Transcoder.Width];
            Transcoder.Decoder(target, feature, vector);
            return vector;
        }
    }
}
