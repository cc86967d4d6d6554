using System.Numerics;
using GemmaScope.Numerics;

namespace GemmaScope.Training;

/// <summary>
/// One step of Adam with bias correction: m ← β1 m + (1 − β1) g, v ← β2 v + (1 − β2) g², p ← p − lr m̂ / (√v̂ + ε). With β1 = 0 a row whose
/// gradient is 0 does not move and its v only decays, so such rows are left alone and the decay is made up for when the row is next
/// touched: the result is that of the dense update. With β1 &gt; 0 every row moves in every step.
/// </summary>
internal readonly unsafe struct Adam
{
    private readonly double _beta2;
    private readonly float _rate,
        _beta1,
        _rootScale,
        _epsilon;

    /// <param name="recipe">β1, β2, ε and the schedule.</param>
    /// <param name="step">The step, from 0.</param>
    public Adam(Recipe recipe, long step)
    {
        LearningRate = Schedules.LearningRate(recipe, step);
        _beta2 = recipe.Beta2;
        _beta1 = (float)recipe.Beta1;
        _rate = (float)(LearningRate / (1 - Math.Pow(recipe.Beta1, step + 1)));
        _rootScale = (float)(1 / Math.Sqrt(1 - Math.Pow(recipe.Beta2, step + 1)));
        _epsilon = (float)recipe.AdamEpsilon;
    }

    public double LearningRate { get; }

    /// <summary>Moves one row of a parameter.</summary>
    /// <param name="parameter">The parameter.</param>
    /// <param name="row">The row.</param>
    /// <param name="gradient">Its gradient.</param>
    /// <param name="steps">Steps since its last update, this one included; more than 1 only if β1 = 0.</param>
    public void Update(Parameter parameter, long row, ReadOnlySpan<float> gradient, long steps = 1)
    {
        var at = row * gradient.Length;
        fixed (float* g = gradient)
            Update(
                parameter.Values.Floats + at,
                g,
                parameter.Second!.Floats + at,
                parameter.First is { } first ? first.Floats + at : null,
                gradient.Length,
                steps
            );
    }

    private void Update(float* p, float* g, float* v, float* m, int count, long steps)
    {
        var (decay, share) = ((float)Math.Pow(_beta2, steps), (float)(1 - _beta2));
        var i = 0;
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
        {
            var gradient = Vector.Load(g + i);
            var second = Vector.Load(v + i) * decay + gradient * gradient * share;
            second.Store(v + i);
            if (m != null)
            {
                gradient = Vector.Load(m + i) * _beta1 + gradient * (1 - _beta1);
                gradient.Store(m + i);
            }
            (Vector.Load(p + i) - gradient * _rate / (Vector.SquareRoot(second) * _rootScale + new Vector<float>(_epsilon))).Store(p + i);
        }
        for (; i < count; i++)
        {
            var gradient = g[i];
            v[i] = v[i] * decay + gradient * gradient * share;
            if (m != null)
                gradient = m[i] = m[i] * _beta1 + gradient * (1 - _beta1);
            p[i] -= gradient * _rate / (MathF.Sqrt(v[i]) * _rootScale + _epsilon);
        }
    }
}
