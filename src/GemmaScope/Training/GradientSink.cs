using System.Numerics.Tensors;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>Where gradients go as soon as they are known: into the optimiser, or into tensors to be looked at.</summary>
internal abstract class GradientSink
{
    /// <summary>Whether the step counts: parameters move, and so do the counters that follow them.</summary>
    public virtual bool Moves => false;

    /// <summary>What every gradient is multiplied by before it moves anything.</summary>
    public double Factor { get; set; } = 1;

    /// <summary>Whether features without any gradient must be passed on too.</summary>
    public virtual bool WantsAll => false;

    /// <summary>The gradients of a feature's two rows; called from several threads for different features.</summary>
    /// <param name="feature">Its index in all blocks.</param>
    /// <param name="block">Its block.</param>
    /// <param name="row">Its row in the block's matrices.</param>
    /// <param name="encoder">∂L/∂W_enc[:, i], may be overwritten.</param>
    /// <param name="decoder">∂L/∂W_dec[i], may be overwritten.</param>
    public abstract void Feature(int feature, int block, int row, Span<float> encoder, Span<float> decoder);

    /// <summary>The gradient of a whole parameter.</summary>
    public abstract void Whole(Parameter parameter, ReadOnlySpan<float> gradient);
}

/// <summary>Moves the parameters: projection, Adam, unit norm, while a row is in the cache.</summary>
/// <param name="recipe">What is done.</param>
/// <param name="parameters">What is moved.</param>
/// <param name="lastUpdates">For each feature the number of steps after its last update.</param>
/// <param name="step">The step, from 0.</param>
internal sealed class OptimiserSink(Recipe recipe, TrainerParameters parameters, Counters lastUpdates, long step) : GradientSink
{
    private readonly Adam _adam = new(recipe, step);

    public override bool Moves => true;

    public override bool WantsAll => recipe.Beta1 != 0;

    public override void Feature(int feature, int block, int row, Span<float> encoder, Span<float> decoder)
    {
        Clip(encoder);
        Clip(decoder);
        var steps = WantsAll ? 1 : step + 1 - lastUpdates[feature];
        lastUpdates[feature] = step + 1;
        _adam.Update(parameters.Encoder[block], row, encoder, steps);
        var w = parameters.Decoder[block].Values.Row(row);
        if (recipe.ProjectDecoderGradient)
            DecoderGeometry.Project(w, decoder);
        _adam.Update(parameters.Decoder[block], row, decoder, steps);
        if (recipe.UnitNormDecoder)
            DecoderGeometry.Normalise(w);
    }

    public override void Whole(Parameter parameter, ReadOnlySpan<float> gradient)
    {
        if (Factor == 1)
        {
            _adam.Update(parameter, 0, gradient);
            return;
        }
        float[] clipped = [.. gradient];
        Clip(clipped);
        _adam.Update(parameter, 0, clipped);
    }

    private void Clip(Span<float> gradient)
    {
        if (Factor != 1)
            TensorPrimitives.Multiply(gradient, (float)Factor, gradient);
    }
}

/// <summary>Keeps the gradients; nothing moves.</summary>
/// <param name="parameters">What the gradients belong to.</param>
/// <param name="gradients">Tensors of the same shapes.</param>
internal sealed class RecordingSink(TrainerParameters parameters, TrainerParameters gradients) : GradientSink
{
    private readonly Dictionary<string, Tensor> _byName = gradients.All.ToDictionary(
        gradient => gradient.Name,
        gradient => gradient.Values
    );

    public override void Feature(int feature, int block, int row, Span<float> encoder, Span<float> decoder)
    {
        encoder.CopyTo(_byName[parameters.Encoder[block].Name].Row(row));
        decoder.CopyTo(_byName[parameters.Decoder[block].Name].Row(row));
    }

    public override void Whole(Parameter parameter, ReadOnlySpan<float> gradient) => gradient.CopyTo(_byName[parameter.Name].AsSpan());
}
