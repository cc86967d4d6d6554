using GemmaScope.Models;
using GemmaScope.Numerics;

namespace GemmaScope.Circuits;

/// <summary>What one run wrote to the residual at one position, read by edits that only look, so that nothing of other positions is
/// kept.</summary>
internal sealed class LogitReading
{
    private readonly GemmaConfig _config;

    private LogitReading(GemmaConfig config)
    {
        _config = config;
        (Heads, Attention, Mlp, MlpInput, Embedded) = (Rows(), Rows(), Rows(), Rows(), Rows());
        AfterAttention = new float[config.Layers];

        float[][] Rows() => [.. Enumerable.Range(0, config.Layers).Select(_ => Array.Empty<float>())];
    }

    /// <summary>The scaled embedding, [d].</summary>
    public float[] Embedding { get; private set; } = [];

    /// <summary>z of each layer, [heads · head size].</summary>
    public float[][] Heads { get; }

    /// <summary>1 / rms of attn_out_raw of each layer.</summary>
    public float[] AfterAttention { get; }

    /// <summary>attn_out of each layer, [d].</summary>
    public float[][] Attention { get; }

    /// <summary>mlp_out of each layer, [d].</summary>
    public float[][] Mlp { get; }

    /// <summary>What each layer's own embedding adds, [d]; empty where there is none.</summary>
    public float[][] Embedded { get; }

    /// <summary>What the transcoder of each layer that has one reads, [d].</summary>
    public float[][] MlpInput { get; }

    /// <summary>1 / rms of the last residual.</summary>
    public float Final { get; private set; }

    /// <summary>The logits before the cap.</summary>
    public float[] BeforeCap { get; private set; } = [];

    /// <summary>The logits.</summary>
    public float[] Logits { get; private set; } = [];

    /// <summary>Runs the tokens up to a position, which is all that it depends on.</summary>
    public static LogitReading Of(
        GemmaModel model,
        int[] tokens,
        int position,
        TranscoderSet? transcoders,
        CancellationToken cancellationToken
    )
    {
        var reading = new LogitReading(model.Config);
        var raw = new Site(SiteKind.LogitsRaw);
        using var run = model.Run(
            tokens[..(position + 1)],
            capture: [raw],
            edits: reading.Readers(position, transcoders),
            logits: LogitRows.Last,
            arithmetic: Arithmetic.Exact,
            cancellationToken: cancellationToken
        );
        (reading.BeforeCap, reading.Logits) = (run[raw].Row(0).ToArray(), run.LastLogits().ToArray());
        return reading;
    }

    private IEnumerable<Edit> Readers(int position, TranscoderSet? transcoders)
    {
        yield return Read(Site.Embed, row => Embedding = row);
        for (var layer = 0; layer < _config.Layers; layer++)
        {
            var l = layer;
            yield return Read(Site.Z(l), row => Heads[l] = row);
            yield return Read(new Site(SiteKind.AttnOutRaw, l), row => AfterAttention[l] = InverseRms(row));
            yield return Read(Site.AttnOut(l), row => Attention[l] = row);
            if (transcoders?[l] is { } transcoder)
                yield return Read(transcoder.Input, row => MlpInput[l] = row);
            yield return Read(Site.MlpOut(l), row => Mlp[l] = row);
            if (_config.PerLayer is not null)
                yield return Read(new Site(SiteKind.PleOut, l), row => Embedded[l] = row);
        }
        yield return Read(Site.ResidPost(_config.Layers - 1), row => Final = InverseRms(row));

        Edit Read(Site site, Action<float[]> keep) => Edit.Function(site, (rows, _) => keep(rows.Row(position).ToArray()));
    }

    private float InverseRms(float[] row) => ElementwiseBackward.InverseRms(row, _config.NormEpsilon);
}
