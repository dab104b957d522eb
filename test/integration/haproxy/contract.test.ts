import { describeFrontServer } from '../../contract/front-server-contract.ts';
import { haproxyRecipe } from './haproxy-recipe.ts';

for (const program of ['haproxy', 'haproxy-2.8']) {
  describeFrontServer(program, {
    programs: [program],
    minimal: haproxyRecipe(program, 'minimal'),
    complete: haproxyRecipe(program, 'complete'),
    traits: { passesStatusOn: true, patience: 9_000, tidiesPaths: false, http2: true, clientPort: 'replaced' },
  });
}
